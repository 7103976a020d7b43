/// Samples of single muons and of pairs, as many as asked for. Equal settings give equal samples,
/// on any number of threads: every block of attempts has a stream of random numbers of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/result.h"
#include "muon/fields.h"

namespace bunch::muon {

struct SampleSettings {
    std::uint64_t seed = 1;           ///< of the muons
    std::uint64_t detector_seed = 7;  ///< of the misalignment and of the tables' calibration
    std::size_t count = 0;            ///< accepted ones, at least 1
    unsigned threads = 1;
};

/// Called between blocks with the part that is done, 0 to 1; on the calling thread.
using OnProgress = std::function<void(double)>;

inline constexpr std::size_t kMostInSample = 20'000'000;

/// invalid_argument for an empty sample, or one of more than kMostInSample.
Result<MuonSample> generate_muons(const SampleSettings& settings, const OnProgress& on_progress);

/// Half of them real (decays of two muons that both fire the trigger), half fake. Three in ten
/// of the fakes that are drawn are ghosts, that is a second candidate from other hits of the same
/// soft muon, the others chance combinations of muons as hard as those that fire a trigger; what
/// does not fire it is drawn again.
Result<PairSample> generate_pairs(const SampleSettings& settings, const OnProgress& on_progress);

}  // namespace bunch::muon
