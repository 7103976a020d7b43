/// The whole study: samples, teachers, baselines, compressed networks, what each technique is
/// worth, size against error; for several seeds, judged on a test sample whose seed was fixed
/// before. Only numbers; text and pictures are made elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/evaluation.h"
#include "muon/recipes.h"

namespace bunch::muon {

/// Looked at only by the final evaluation, after all settings had been chosen.
inline constexpr std::uint64_t kTestSeed = 20'261'120;

struct StudySettings {
    std::size_t muons = 400'000;  ///< for training and validation
    std::size_t pairs = 200'000;
    std::size_t test = 400'000;  ///< of each kind
    std::size_t seeds = 3;
    std::size_t epochs = 60;  ///< of the student in floating point
    std::size_t compression_epochs = 240;
    std::size_t teacher_epochs = 20;
    std::size_t pareto_epochs = 60;  ///< of each compression where many are compared
    /// Labelled rows of the trainings with few; larger ones than a sample are left out.
    std::vector<std::size_t> few = {2'000, 10'000, 50'000};
    std::size_t few_visits = 1'000'000;  ///< epochs times rows of those trainings
    unsigned threads = 1;
    /// Each network is written to a folder below as soon as it is done; "" writes none.
    std::string folder{};
    /// Networks that are there already, of equal settings, are not trained again.
    bool resume = false;
};

nlohmann::json json_of(const StudySettings& settings);

/// A few minutes: what tools/test can afford. Its figures mean little.
StudySettings quick_settings();

/// One trained network as judged on the test sample.
struct Score {
    std::vector<double> figures;  ///< phi68, phi RMS, eta68, pt68; or ROC AUC, PR AUC, rejection
    Size size;
    double seconds = 0;
};

struct Judged {
    TrainedRun run;
    Score score;
};

/// A way of making a network, once for each seed.
struct Variant {
    std::string name;
    std::vector<Judged> seeds;
};

struct ParetoPoint {
    int weight_bits = 0;
    double sparsity = 0;
    Score score;
};

/// A student of other widths, compressed to as many weights as the chosen one.
struct SearchPoint {
    std::vector<std::size_t> hidden;
    Score score;
};

struct TaskStudy {
    Task task = Task::recalibration;
    std::vector<Variant> variants;    ///< teacher, baseline, ..., compressed
    std::vector<Variant> ablation;    ///< compressed with one technique less, or more, each
    std::vector<Variant> few;         ///< students in floating point from few labelled rows
    std::vector<ParetoPoint> pareto;  ///< of the first seed
    std::vector<SearchPoint> search;  ///< of the first seed
    const Variant& named(const std::string& name) const;
};

struct Study {
    StudySettings settings;
    MuonSample test_muons;
    PairSample test_pairs;
    TaskStudy recalibration;
    TaskStudy pair;
};

/// Called when a network is done: how many of all, and what it was. From one thread at a time.
using OnStep = std::function<void(std::size_t done, std::size_t all, const std::string& what)>;

/// Networks are trained side by side on settings.threads threads, each on one. invalid_argument
/// without a seed, or when a study of other settings is to be resumed.
Result<Study> run_study(const StudySettings& settings, const OnStep& on_step);

}  // namespace bunch::muon
