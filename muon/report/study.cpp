#include "muon/report/study.h"

#include <chrono>
#include <mutex>

#include "core/check.h"
#include "muon/parallel.h"
#include "muon/toy/sample.h"

namespace bunch::muon {
namespace {

constexpr std::uint64_t kTrainingSeed = 1, kDetectorSeed = 7;
const OnEpoch kQuiet = [](const EpochRecord&) {};
const std::vector<std::size_t> kStudent = {32, 16, 16}, kBaseline = {16, 16, 16, 16},
                               kTeacher = {256, 256, 256, 256};
constexpr double kSparsity = 0.5;
constexpr float kDistillation = 0.2F;

/// What a compression uses.
struct Techniques {
    bool aware = true;
    bool distillation = true;
    bool pruning = true;
    bool transfer = true;  ///< pairs only: from the student of the same seed
    int weight_bits = 6;
    double sparsity = kSparsity;
};

struct Job {
    std::string what;
    std::function<Result<TrainedRun>()> make;
    Judged* to = nullptr;
};

/// Runs jobs side by side and judges what they make.
class Workshop {
  public:
    Workshop(const Study& study, std::size_t all, const OnStep& on_step)
        : study_(study), all_(all), on_step_(on_step) {}

    Status run(const std::vector<Job>& jobs) {
        std::vector<Status> outcomes(jobs.size());
        for_each_piece(jobs.size(), study_.settings.threads, [&](std::size_t i) {
            outcomes[i] = run_one(jobs[i]);
            const std::lock_guard lock(mutex_);
            on_step_(++done_, all_, jobs[i].what);
        });
        for (std::size_t i = 0; i < jobs.size(); ++i)
            BUNCH_RETURN_IF_ERROR(outcomes[i].with_context(jobs[i].what));
        return ok_status();
    }

  private:
    Status run_one(const Job& job) {
        const auto begin = std::chrono::steady_clock::now();
        BUNCH_ASSIGN_OR_RETURN(job.to->run, job.make());
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        Score& score = job.to->score;
        score.seconds = seconds.count();
        BUNCH_ASSIGN_OR_RETURN(score.size, size_of(job.to->run));
        if (job.to->run.task == Task::recalibration) {
            BUNCH_ASSIGN_OR_RETURN(const Errors errors,
                                   evaluate(job.to->run, study_.test_muons, 1));
            const ErrorFigures figures = figures_of(errors);
            score.figures = {figures.phi.q68, figures.phi.rms, figures.eta.q68, figures.pt.q68};
        } else {
            BUNCH_ASSIGN_OR_RETURN(const auto scores,
                                   muon::score(job.to->run, study_.test_pairs, 1));
            const Separation found = separation_of(scores, study_.test_pairs.real);
            score.figures = {found.roc_auc, found.pr_auc, found.rejection_95};
        }
        return ok_status();
    }

    const Study& study_;
    std::size_t all_, done_ = 0;
    const OnStep& on_step_;
    std::mutex mutex_;
};

/// Data of one task in both encodings.
struct Data {
    TaskData raw, folded;
};

class TaskRunner {
  public:
    TaskRunner(const StudySettings& settings, const Data& data, TaskStudy& to,
               const TaskStudy* recalibration)
        : settings_(settings), data_(data), to_(to), recalibration_(recalibration) {}

    static std::size_t job_count(const StudySettings& settings, Task task) {
        const std::size_t each = task == Task::pair ? 11 : 9;
        return settings.seeds * each + pareto_grid().size();
    }

    Status run(Workshop& workshop) {
        const bool pair = to_.task == Task::pair;
        for (const char* name : {"teacher", "baseline", "baseline, folded", "student"})
            variant(to_.variants, name);
        if (pair) variant(to_.variants, "student, no transfer");
        BUNCH_RETURN_IF_ERROR(workshop.run(float_jobs()));
        variant(to_.variants, "compressed");
        for (const char* name : {"nothing left out", "no quantisation-aware training",
                                 "no distillation", "no pruning"})
            variant(to_.ablation, name);
        if (pair) variant(to_.ablation, "no transfer");
        BUNCH_RETURN_IF_ERROR(workshop.run(compression_jobs()));
        to_.ablation[0].seeds = variant_named("compressed").seeds;
        std::vector<Judged> points(pareto_grid().size());
        BUNCH_RETURN_IF_ERROR(workshop.run(pareto_jobs(points)));
        for (std::size_t i = 0; i < points.size(); ++i)
            to_.pareto.push_back(
                {pareto_grid()[i].weight_bits, pareto_grid()[i].sparsity, points[i].score});
        return ok_status();
    }

  private:
    static const std::vector<Techniques>& pareto_grid() {
        static const std::vector<Techniques> grid = [] {
            std::vector<Techniques> all;
            for (const int bits : {4, 5, 6, 8})
                for (const double sparsity : {0.0, 0.4, 0.6, 0.75, 0.85})
                    all.push_back({true, true, sparsity > 0, true, bits, sparsity});
            return all;
        }();
        return grid;
    }

    void variant(std::vector<Variant>& list, const std::string& name) const {
        list.push_back({name, std::vector<Judged>(settings_.seeds)});
    }

    Variant& variant_named(const std::string& name) {
        return const_cast<Variant&>(to_.named(name));
    }

    TrainSettings training(std::size_t epochs, double rate, std::size_t seed) const {
        TrainSettings made;
        made.epochs = epochs;
        made.rate = rate;
        made.seed = seed + 1;
        return made;
    }

    Job float_job(const std::string& name, std::size_t seed, const TaskData& data,
                  FloatRecipe recipe) {
        return {name + ", seed " + std::to_string(seed + 1),
                [recipe, &data] { return train_float(data, recipe, kQuiet); },
                &variant_named(name).seeds[seed]};
    }

    std::vector<Job> float_jobs() {
        std::vector<Job> jobs;
        const std::size_t both = 2 * settings_.epochs;  // as much training as the compressed one
        for (std::size_t s = 0; s < settings_.seeds; ++s) {
            const TrainedRun* start = recalibration_ == nullptr
                                          ? nullptr
                                          : &recalibration_->named("student").seeds[s].run;
            jobs.push_back(float_job("teacher", s, data_.folded,
                                     {kTeacher, training(settings_.teacher_epochs, 1e-3, s)}));
            jobs.push_back(
                float_job("baseline", s, data_.raw, {kBaseline, training(both, 4e-3, s)}));
            jobs.push_back(float_job("baseline, folded", s, data_.folded,
                                     {kBaseline, training(both, 4e-3, s)}));
            jobs.push_back(float_job("student", s, data_.folded,
                                     {kStudent, training(settings_.epochs, 4e-3, s), start}));
            if (start != nullptr)
                jobs.push_back(float_job("student, no transfer", s, data_.folded,
                                         {kStudent, training(settings_.epochs, 4e-3, s)}));
        }
        return jobs;
    }

    Job compression_job(const std::string& what, std::size_t seed, const Techniques& techniques,
                        std::size_t epochs, Judged& to) {
        CompressRecipe recipe;
        recipe.plan.weight_bits = techniques.weight_bits;
        recipe.training = training(epochs, 3e-3, seed);
        if (techniques.pruning) recipe.training.pruning.sparsity = techniques.sparsity;
        if (techniques.distillation) recipe.training.distillation = kDistillation;
        recipe.aware = techniques.aware;
        recipe.teacher = &to_.named("teacher").seeds[seed].run;
        const bool plain = to_.task == Task::pair && !techniques.transfer;
        const TrainedRun& start =
            to_.named(plain ? "student, no transfer" : "student").seeds[seed].run;
        return {what + ", seed " + std::to_string(seed + 1),
                [recipe, &start, this] { return compress(data_.folded, start, recipe, kQuiet); },
                &to};
    }

    std::vector<Job> compression_jobs() {
        std::vector<Job> jobs;
        const std::vector<Techniques> without = {
            {}, {false}, {true, false}, {true, true, false}, {true, true, true, false}};
        for (std::size_t s = 0; s < settings_.seeds; ++s) {
            jobs.push_back(compression_job("compressed", s, {}, settings_.epochs,
                                           variant_named("compressed").seeds[s]));
            for (std::size_t a = 1; a < to_.ablation.size(); ++a)
                jobs.push_back(compression_job(to_.ablation[a].name, s, without[a],
                                               settings_.epochs, to_.ablation[a].seeds[s]));
        }
        return jobs;
    }

    std::vector<Job> pareto_jobs(std::vector<Judged>& points) {
        std::vector<Job> jobs;
        for (std::size_t i = 0; i < points.size(); ++i)
            jobs.push_back(
                compression_job(std::to_string(pareto_grid()[i].weight_bits) + " bits, sparsity " +
                                    std::to_string(pareto_grid()[i].sparsity).substr(0, 4),
                                0, pareto_grid()[i], settings_.pareto_epochs, points[i]));
        return jobs;
    }

    const StudySettings& settings_;
    const Data& data_;
    TaskStudy& to_;
    const TaskStudy* recalibration_;
};

template <typename Sample>
Data data_of(const Sample& sample) {
    return {split(dataset_of(sample, Encoding::raw)), split(dataset_of(sample, Encoding::folded))};
}

}  // namespace

StudySettings quick_settings() {
    StudySettings settings;
    settings.muons = 30'000;
    settings.pairs = 20'000;
    settings.test = 20'000;
    settings.seeds = 2;
    settings.epochs = 6;
    settings.teacher_epochs = 1;
    settings.pareto_epochs = 3;
    return settings;
}

const Variant& TaskStudy::named(const std::string& name) const {
    for (const Variant& variant : variants)
        if (variant.name == name) return variant;
    BUNCH_CHECK(false);
    return variants.front();
}

Result<Study> run_study(const StudySettings& settings, const OnStep& on_step) {
    if (settings.seeds == 0) return invalid_argument("a study needs at least 1 seed");
    Study study;
    study.settings = settings;
    study.pair.task = Task::pair;
    const OnProgress quiet = [](double) {};
    const auto sample_settings = [&](std::uint64_t seed, std::size_t count) {
        return SampleSettings{seed, kDetectorSeed, count, settings.threads};
    };
    BUNCH_ASSIGN_OR_RETURN(const MuonSample muons,
                           generate_muons(sample_settings(kTrainingSeed, settings.muons), quiet));
    BUNCH_ASSIGN_OR_RETURN(study.test_muons,
                           generate_muons(sample_settings(kTestSeed, settings.test), quiet));
    BUNCH_ASSIGN_OR_RETURN(const PairSample pairs,
                           generate_pairs(sample_settings(kTrainingSeed, settings.pairs), quiet));
    BUNCH_ASSIGN_OR_RETURN(study.test_pairs,
                           generate_pairs(sample_settings(kTestSeed, settings.test), quiet));
    const std::size_t all = TaskRunner::job_count(settings, Task::recalibration) +
                            TaskRunner::job_count(settings, Task::pair);
    Workshop workshop(study, all, on_step);
    const Data muon_data = data_of(muons), pair_data = data_of(pairs);
    BUNCH_RETURN_IF_ERROR(
        TaskRunner(study.settings, muon_data, study.recalibration, nullptr).run(workshop));
    BUNCH_RETURN_IF_ERROR(
        TaskRunner(study.settings, pair_data, study.pair, &study.recalibration).run(workshop));
    return study;
}

}  // namespace bunch::muon
