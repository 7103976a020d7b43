#include "muon/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "muon/training/adam.h"
#include "muon/training/forward.h"
#include "muon/training/gradient.h"
#include "muon/training/loss.h"
#include "zoo/random.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kLossRows = 20'000;     // of the training sample, for its curve
constexpr std::size_t kStepsPerPruning = 50;  // and at the begin of each epoch

bool all_finite(std::span<const float> numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

Status check_numbers(const Dataset& dataset) {
    if (all_finite(dataset.x) && all_finite(dataset.targets) && all_finite(dataset.weights) &&
        all_finite(dataset.soft))
        return ok_status();
    return invalid_argument(
        "an input, target, weight or answer of the teacher is no number; generate the sample, or "
        "train the teacher, again");
}

Status check(const Dataset& training, const Dataset& validation, const TrainSettings& settings,
             const Model& model) {
    constexpr std::size_t kMostBatch = 100'000;
    if (training.rows == 0 || validation.rows == 0)
        return invalid_argument("there is nothing to train on: the sample has " +
                                std::to_string(training.rows) + " rows for training and " +
                                std::to_string(validation.rows) +
                                " for validation; generate a larger one");
    if (model.network.inputs() != training.inputs || model.network.outputs() != training.outputs)
        return invalid_argument("the network has " + std::to_string(model.network.inputs()) +
                                " inputs and " + std::to_string(model.network.outputs()) +
                                " outputs, the sample " + std::to_string(training.inputs) +
                                " and " + std::to_string(training.outputs));
    if (settings.epochs == 0 || settings.batch == 0 || !(settings.rate > 0))
        return invalid_argument(std::to_string(settings.epochs) + " epochs with a batch of " +
                                std::to_string(settings.batch) + " rows at a rate of " +
                                std::to_string(settings.rate) +
                                " train nothing; all must be above 0");
    if (!(settings.decay >= 0 && settings.decay * static_cast<float>(settings.rate) < 1))
        return invalid_argument("a decay of " + std::to_string(settings.decay) +
                                " is not possible; it is 0 or more, and below 1 / rate");
    if (settings.batch > kMostBatch)
        return invalid_argument("a batch of " + std::to_string(settings.batch) +
                                " rows is too large; choose up to " + std::to_string(kMostBatch));
    if (!(settings.pruning.sparsity >= 0 && settings.pruning.sparsity < 1))
        return invalid_argument("a sparsity of " + std::to_string(settings.pruning.sparsity) +
                                " is not possible; it is a part of all weights, 0 to below 1");
    if (!(settings.distillation >= 0 && settings.distillation <= 1))
        return invalid_argument("distillation " + std::to_string(settings.distillation) +
                                " is not possible; it is a part of the loss, 0 to 1");
    BUNCH_RETURN_IF_ERROR(check_numbers(training));
    BUNCH_RETURN_IF_ERROR(check_numbers(validation));
    return model.plan ? check(*model.plan) : ok_status();
}

void shuffle(std::vector<std::uint32_t>& order, Random& random) {
    for (std::size_t i = order.size(); i > 1; --i) {
        const auto other = static_cast<std::size_t>(random.uniform() * static_cast<double>(i));
        std::swap(order[i - 1], order[other]);
    }
}

/// One training under way.
class Training {
  public:
    Training(const Dataset& training, const TrainSettings& settings, Model& model)
        : data_(training),
          settings_(settings),
          model_(model),
          masks_(full_masks(model.network)),
          adam_(model.network),
          gradient_(model.network, training, settings.batch, settings.distillation,
                    settings.threads),
          random_(settings.seed),
          order_(training.rows) {
        std::iota(order_.begin(), order_.end(), 0U);
        // Weights that an earlier pruning left at zero stay there.
        for (std::size_t l = 0; l < masks_.size(); ++l)
            for (std::size_t i = 0; i < masks_[l].size(); ++i)
                if (model.network.layers[l].weights[i] == 0) masks_[l][i] = 0;
    }

    void epoch(std::size_t number) {
        shuffle(order_, random_);
        for (std::size_t begin = 0; begin < order_.size(); begin += settings_.batch) {
            const double part = static_cast<double>(begin) / static_cast<double>(order_.size());
            const double progress =
                (static_cast<double>(number) + part) / static_cast<double>(settings_.epochs);
            if (settings_.pruning.sparsity > 0 && begin % (kStepsPerPruning * settings_.batch) == 0)
                prune_to(progress);
            step({order_.data() + begin, std::min(settings_.batch, order_.size() - begin)},
                 progress);
        }
        if (settings_.pruning.sparsity > 0 && number + 1 == settings_.epochs) prune_to(1);
    }

  private:
    void step(std::span<const std::uint32_t> rows, double progress) {
        const Network& gradient = gradient_.of(rows, model_.plan_or_null());
        adam_.step(gradient, scheduled_rate(settings_.rate, progress), settings_.decay,
                   model_.network);
        apply_masks(masks_, model_.network);
    }

    void prune_to(double progress) {
        const auto sizes = input_sizes(model_.network, first_rows(data_, 2048));
        prune(model_.network, sizes, settings_.pruning.at(progress), masks_);
        apply_masks(masks_, model_.network);
    }

    const Dataset& data_;
    const TrainSettings& settings_;
    Model& model_;
    Masks masks_;
    Adam adam_;
    GradientRun gradient_;
    Random random_;
    std::vector<std::uint32_t> order_;
};

double sparsity_of(const Network& network) {
    return 1 -
           static_cast<double>(network.nonzero_weights()) / static_cast<double>(network.weights());
}

/// Whether a network had its final sparsity before `epoch` and another may still be better.
bool is_pruned(const TrainSettings& settings, std::size_t epoch) {
    if (settings.pruning.sparsity == 0 || epoch + 1 == settings.epochs) return true;
    return settings.pruning.at(static_cast<double>(epoch) / static_cast<double>(settings.epochs)) >=
           settings.pruning.sparsity;
}

}  // namespace

double mean_loss(const Model& model, const Dataset& dataset, unsigned threads) {
    const auto outputs = predict(model.network, model.plan_or_null(), dataset.x, threads);
    return loss_of(dataset.task, {outputs, dataset.targets, dataset.weights, {}, 0});
}

void calibrate(const Dataset& training, Model& model) {
    if (!model.plan || !model.plan->activation_exponents.empty()) return;
    model.plan->activation_exponents = activation_exponents(
        model.network, model.plan->activation_bits, first_rows(training, kCalibrationRows));
}

Result<std::vector<EpochRecord>> train(const Dataset& training, const Dataset& validation,
                                       const TrainSettings& settings, Model& model,
                                       const OnEpoch& on_epoch) {
    BUNCH_RETURN_IF_ERROR(check(training, validation, settings, model));
    calibrate(training, model);
    Training run(training, settings, model);
    const Dataset seen = rows_of(training, 0, std::min(kLossRows, training.rows));
    std::vector<EpochRecord> records;
    Network best;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t epoch = 0; epoch < settings.epochs; ++epoch) {
        run.epoch(epoch);
        const EpochRecord record{epoch + 1, mean_loss(model, seen, settings.threads),
                                 mean_loss(model, validation, settings.threads),
                                 sparsity_of(model.network)};
        if (!std::isfinite(record.training_loss) || !std::isfinite(record.validation_loss))
            return invalid_argument("the loss is no number after epoch " +
                                    std::to_string(record.epoch) + "; choose a rate below " +
                                    std::to_string(settings.rate));
        records.push_back(record);
        on_epoch(record);
        if (record.validation_loss >= least || !is_pruned(settings, epoch)) continue;
        least = record.validation_loss;
        best = model.network;
    }
    if (!best.layers.empty()) model.network = std::move(best);
    return records;
}

}  // namespace bunch::muon
