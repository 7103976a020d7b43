/// What a training leaves behind: a folder with network.json (the numbers) and run.json (settings,
/// seeds, curve, results: the record, see records.h). Read again by every later step.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/encoding.h"
#include "muon/training/trainer.h"

namespace bunch::muon {

struct TrainedRun {
    Task task = Task::recalibration;
    Encoding encoding = Encoding::folded;
    Model model;
    std::vector<EpochRecord> curve;
    nlohmann::json settings;  ///< how it was made, for people
    nlohmann::json results;
};

Status write_run(const std::string& folder, const TrainedRun& run);

/// not_found, or invalid_argument for files that are no such run.
Result<TrainedRun> read_run(const std::string& folder);

/// What network.json of this run hashes to: names the network in the records of others.
std::string identity_of(const TrainedRun& run);

/// The text of a network.json. invalid_argument names what is wrong with it.
Result<TrainedRun> parse_network(const std::string& text);

}  // namespace bunch::muon
