/// The steps of a study, as functions: train in floating point, compress. What the commands and the
/// report have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/run_folder.h"
#include "muon/training/trainer.h"

namespace bunch::muon {

struct TaskData {
    Dataset training;
    Dataset validation;  ///< the last tenth of the sample
};
TaskData split(const Dataset& all);

/// Trains a new network with these hidden layers. `start`, where there is one, is a recalibration
/// network that a pair network begins from (transfer). A teacher has the same encoding.
struct FloatRecipe {
    std::vector<std::size_t> hidden;
    TrainSettings training;
    const TrainedRun* start = nullptr;
    const TrainedRun* teacher = nullptr;  ///< counts by training.distillation
};
Result<TrainedRun> train_float(const TaskData& data, const FloatRecipe& recipe,
                               const OnEpoch& on_epoch);

/// Continues from a network in floating point with pruning and rounding. Without `aware` it prunes
/// in floating point and rounds afterwards (post-training quantisation). The teacher has the same
/// encoding; it and settings.distillation come together or not at all.
struct CompressRecipe {
    QuantisationPlan plan;
    TrainSettings training;
    bool aware = true;
    bool equalised = true;  ///< units share the range of their integers before any is rounded
    const TrainedRun* teacher = nullptr;
};
Result<TrainedRun> compress(const TaskData& data, const TrainedRun& start,
                            const CompressRecipe& recipe, const OnEpoch& on_epoch);

}  // namespace bunch::muon
