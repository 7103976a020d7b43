/// From the hardware's fields to the numbers that a network sees, and back from its outputs. Two
/// encodings: "raw" fields, standardised, as the published baseline has them; and "folded" ones,
/// integers of 8 bits that need a shift, a sign or a small table in hardware.
///
/// Folding uses that the detector is nearly symmetric: the network sees |eta| and answers for a
/// positive muon at positive eta; its correction of phi is negated for negative charge, that of eta
/// for negative eta. Charge and sign remain inputs, since misalignment breaks the symmetry.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "muon/fields.h"

namespace bunch::muon {

enum class Task : std::uint8_t {
    recalibration,  ///< five fields to corrections of phi, eta and pt
    pair,           ///< ten fields to one logit
};
enum class Encoding : std::uint8_t { raw, folded };

std::string_view name_of(Task task);
std::string_view name_of(Encoding encoding);
std::optional<Task> task_named(std::string_view name);
std::optional<Encoding> encoding_named(std::string_view name);

/// phi >> 2, |eta|, table of pt, 16 * quality, 128 * charge, 128 if eta is negative.
inline constexpr std::size_t kMuonFeatures = 6;
/// Those of both muons, |difference of phi| >> 1, |difference of eta| >> 1.
inline constexpr std::size_t kPairFeatures = 2 * kMuonFeatures + 2;

std::size_t input_count(Task task, Encoding encoding);
std::size_t output_count(Task task);

/// 512 numbers of 8 bits, 255 / 9 for every factor of two in momentum.
const std::array<std::uint8_t, kMaxPt + 1>& pt_table();

void fold(const L1Muon& muon, std::span<std::uint8_t, kMuonFeatures> features);
void fold(const L1Muon& first, const L1Muon& second,
          std::span<std::uint8_t, kPairFeatures> features);

/// The network sees (feature - centre) / 64.
std::span<const std::uint8_t> feature_centres(Task task);
inline constexpr int kInputExponent = 6;

/// One of a network's outputs stands for this much: 8 units of phi, 2 of eta, half of pt; 1 for a
/// logit. In hardware it is an integer of 12 bits, 1/16 unit or 1/256 of pt or 1/64 of a logit.
std::span<const float> output_units(Task task);
/// Integer = output * 2^exponent.
std::span<const int> output_exponents(Task task);

/// Fields of a muon as corrected: phi and eta in units, pt in GeV.
OfflineMuon corrected(const L1Muon& muon, Encoding encoding, std::span<const float, 3> outputs);

}  // namespace bunch::muon
