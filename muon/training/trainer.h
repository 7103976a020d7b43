/// Trains a network on a dataset: epochs of shuffled batches with Adam, optionally with rounding
/// (quantisation-aware), pruning and a teacher's answers in dataset.soft. Equal settings give equal
/// networks, whatever the number of threads, on one kind of processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/result.h"
#include "muon/training/dataset.h"
#include "muon/training/network.h"
#include "muon/training/pruning.h"
#include "muon/training/quantisation.h"

namespace bunch::muon {

struct TrainSettings {
    std::size_t epochs = 20;
    std::size_t batch = 512;
    double rate = 3e-3;
    /// Each step takes this part times the rate off every weight. Large weights that cancel cost a
    /// float nothing, but magnify the rounding of what they are multiplied with.
    float decay = 0;
    float distillation = 0;  ///< 0 to 1: how much the teacher counts
    PruningSchedule pruning{};
    std::uint64_t seed = 1;  ///< of the order of the rows
    unsigned threads = 1;
};

/// A network, and how it is rounded if it is.
struct Model {
    Network network;
    std::optional<QuantisationPlan> plan;  ///< without exponents when training begins: calibrates

    const QuantisationPlan* plan_or_null() const { return plan ? &*plan : nullptr; }
};

struct EpochRecord {
    std::size_t epoch = 0;
    double training_loss = 0;  ///< of some of the rows
    double validation_loss = 0;
    double sparsity = 0;
};

/// Called after each epoch.
using OnEpoch = std::function<void(const EpochRecord&)>;

/// Changes `model`, to the best of its epochs by validation loss once pruning is over. The mean
/// loss without distillation is recorded. invalid_argument for settings that cannot work, a dataset
/// that does not fit or is empty, or a loss that is no number.
Result<std::vector<EpochRecord>> train(const Dataset& training, const Dataset& validation,
                                       const TrainSettings& settings, Model& model,
                                       const OnEpoch& on_epoch);

/// Fills the exponents of a plan that has none, for post-training quantisation.
void calibrate(const Dataset& training, Model& model);

/// Mean loss of the model over a dataset, against its targets.
double mean_loss(const Model& model, const Dataset& dataset, unsigned threads);

}  // namespace bunch::muon
