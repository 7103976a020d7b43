/// How good a network is on a sample: by its own arithmetic, which is floating point for a plain
/// network and the hardware's integers for a compressed one.
#pragma once

#include <nlohmann/json.hpp>

#include "core/result.h"
#include "muon/figures.h"
#include "muon/run_folder.h"

namespace bunch::muon {

/// What corrected muons are wrong by.
Result<Errors> evaluate(const TrainedRun& run, const MuonSample& sample, unsigned threads);

/// Logits of pairs.
Result<std::vector<float>> score(const TrainedRun& run, const PairSample& sample, unsigned threads);

nlohmann::json json_of(const Width& width);
nlohmann::json json_of(const ErrorFigures& figures);
nlohmann::json json_of(const Separation& separation);

/// What `bunch-muon generate` recorded of a sample's settings and seeds; null if it made no record.
nlohmann::json settings_of_sample(const std::string& folder);

/// Weights, and what they need in bits.
struct Size {
    std::size_t weights = 0;  ///< that are not zero
    std::size_t bits = 0;     ///< 18 each in floating point, as the published baseline's words
};
Result<Size> size_of(const TrainedRun& run);

}  // namespace bunch::muon
