#include "muon/encoding.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace bunch::muon {
namespace {

constexpr std::array<std::uint8_t, kPairFeatures> kPairCentres = {72,  110, 128, 160, 64, 64, 72,
                                                                  110, 128, 160, 64,  64, 72, 64};
constexpr std::array<float, 3> kRecalibrationUnits = {8, 2, 0.5F};
constexpr std::array<int, 3> kRecalibrationExponents = {7, 5, 7};
constexpr std::array<float, 1> kPairUnits = {1};
constexpr std::array<int, 1> kPairExponents = {6};

std::array<std::uint8_t, kMaxPt + 1> make_pt_table() {
    std::array<std::uint8_t, kMaxPt + 1> table{};
    for (std::size_t pt = 1; pt < table.size(); ++pt)
        table[pt] = static_cast<std::uint8_t>(
            std::min(255.0, std::round(std::log2(static_cast<double>(pt)) * 255 / 9)));
    return table;
}

std::uint8_t byte(std::int32_t number) {
    return static_cast<std::uint8_t>(std::clamp(number, 0, 255));
}

}  // namespace

std::string_view name_of(Task task) {
    return task == Task::recalibration ? "recalibration" : "pair";
}

std::string_view name_of(Encoding encoding) {
    return encoding == Encoding::raw ? "raw" : "folded";
}

std::optional<Task> task_named(std::string_view name) {
    if (name == "recalibration") return Task::recalibration;
    if (name == "pair") return Task::pair;
    return std::nullopt;
}

std::optional<Encoding> encoding_named(std::string_view name) {
    if (name == "raw") return Encoding::raw;
    if (name == "folded") return Encoding::folded;
    return std::nullopt;
}

std::size_t input_count(Task task, Encoding encoding) {
    if (task == Task::recalibration) return encoding == Encoding::raw ? kMuonFields : kMuonFeatures;
    return encoding == Encoding::raw ? 2 * kMuonFields : kPairFeatures;
}

std::size_t output_count(Task task) {
    return task == Task::recalibration ? 3 : 1;
}

const std::array<std::uint8_t, kMaxPt + 1>& pt_table() {
    static const auto table = make_pt_table();
    return table;
}

void fold(const L1Muon& muon, std::span<std::uint8_t, kMuonFeatures> features) {
    features[0] = byte(muon.phi >> 2);
    features[1] = byte(std::abs(muon.eta));
    features[2] = pt_table()[static_cast<std::size_t>(std::clamp(muon.pt, 0, kMaxPt))];
    features[3] = byte(16 * muon.quality);
    features[4] = byte(128 * muon.charge);
    features[5] = byte(muon.eta < 0 ? 128 : 0);
}

void fold(const L1Muon& first, const L1Muon& second,
          std::span<std::uint8_t, kPairFeatures> features) {
    fold(first, features.first<kMuonFeatures>());
    fold(second, features.subspan<kMuonFeatures, kMuonFeatures>());
    const std::int32_t apart = std::abs(first.phi - second.phi);
    features[12] = byte(std::min(apart, kPhiUnits - apart) >> 1);
    features[13] = byte(std::abs(first.eta - second.eta) >> 1);
}

std::span<const std::uint8_t> feature_centres(Task task) {
    return std::span(kPairCentres).first(input_count(task, Encoding::folded));
}

std::span<const float> output_units(Task task) {
    if (task == Task::recalibration) return kRecalibrationUnits;
    return kPairUnits;
}

std::span<const int> output_exponents(Task task) {
    if (task == Task::recalibration) return kRecalibrationExponents;
    return kPairExponents;
}

OfflineMuon corrected(const L1Muon& muon, Encoding encoding, std::span<const float, 3> outputs) {
    const bool folded = encoding == Encoding::folded;
    const float phi_sign = folded && muon.charge == 0 ? -1.0F : 1.0F;
    const float eta_sign = folded && muon.eta < 0 ? -1.0F : 1.0F;
    return {static_cast<float>(muon.phi) + 0.5F + phi_sign * outputs[0] * kRecalibrationUnits[0],
            static_cast<float>(muon.eta) + eta_sign * outputs[1] * kRecalibrationUnits[1],
            static_cast<float>(muon.pt) * static_cast<float>(kPtUnit) *
                (1 + outputs[2] * kRecalibrationUnits[2])};
}

}  // namespace bunch::muon
