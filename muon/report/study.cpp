#include "muon/report/study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/check.h"
#include "muon/report/choices.h"
#include "muon/report/study_folder.h"
#include "muon/report/workshop.h"
#include "muon/toy/sample.h"

namespace bunch::muon {
namespace {

const OnEpoch kQuiet = [](const EpochRecord&) {};

/// Data of one task in both encodings.
struct Data {
    TaskData raw, folded;
};

class TaskRunner {
  public:
    TaskRunner(const StudySettings& settings, const Data& data, TaskStudy& to,
               const TaskStudy* recalibration)
        : settings_(settings), data_(data), to_(to), recalibration_(recalibration) {
        for (const std::size_t rows : settings.few)
            if (rows < data.folded.training.rows)
                few_.push_back({rows, split(rows_of(data.folded.training, 0, rows))});
    }

    /// Networks that run() makes.
    std::size_t job_count() const {
        const std::size_t floats = is_pair() ? 6 : 5;
        const std::size_t ways = is_pair() ? 3 : 2;
        return settings_.seeds * (floats + ablations_of(to_.task).size() + few_.size() * ways) +
               pareto_grid().size() + searched().size();
    }

    Status run(Workshop& workshop) {
        for (const char* name :
             {"teacher", "baseline", "baseline, folded", "student", "student, no decay"})
            variant(to_.variants, name);
        if (is_pair()) variant(to_.variants, "student, no transfer");
        BUNCH_RETURN_IF_ERROR(workshop.run(to_.task, float_jobs()));
        variant(to_.variants, "compressed");
        for (const Ablation& ablation : ablations_of(to_.task))
            variant(to_.ablation, ablation.name);
        BUNCH_RETURN_IF_ERROR(workshop.run(to_.task, compression_jobs()));
        variant_named("compressed").seeds = to_.ablation.front().seeds;
        BUNCH_RETURN_IF_ERROR(run_few(workshop));
        BUNCH_RETURN_IF_ERROR(run_pareto(workshop));
        return run_search(workshop);
    }

  private:
    struct Few {
        std::size_t rows;
        TaskData data;
    };

    bool is_pair() const { return to_.task == Task::pair; }

    void variant(std::vector<Variant>& list, const std::string& name) const {
        list.push_back({name, std::vector<Judged>(settings_.seeds)});
    }

    Variant& variant_named(const std::string& name) {
        return const_cast<Variant&>(to_.named(name));
    }

    static TrainSettings training(std::size_t epochs, double rate, float decay, std::size_t seed) {
        TrainSettings made;
        made.epochs = epochs;
        made.rate = rate;
        made.decay = decay;
        made.seed = seed + 1;
        return made;
    }

    /// The recalibration student that a pair network of this seed begins from.
    const TrainedRun* start_of(std::size_t seed) const {
        if (recalibration_ == nullptr) return nullptr;
        return &recalibration_->named("student").seeds[seed].run;
    }

    static Job float_job(const std::string& name, std::size_t seed, const TaskData& data,
                         FloatRecipe recipe, Judged& to) {
        return {name + ", seed " + std::to_string(seed + 1),
                [recipe, &data] { return train_float(data, recipe, kQuiet); }, &to};
    }

    std::vector<Job> float_jobs() {
        std::vector<Job> jobs;
        const auto add = [&](const std::string& name, std::size_t s, const TaskData& data,
                             const FloatRecipe& recipe) {
            jobs.push_back(float_job(name, s, data, recipe, variant_named(name).seeds[s]));
        };
        for (std::size_t s = 0; s < settings_.seeds; ++s) {
            const std::size_t epochs = settings_.epochs;
            const TrainSettings student = training(epochs, kStudentRate, kDecay, s);
            // As much training as the student and its compression have together.
            const TrainSettings baseline =
                training(epochs + settings_.compression_epochs, kBaselineRate, kBaselineDecay, s);
            add("teacher", s, data_.folded,
                {kTeacher, training(settings_.teacher_epochs, kTeacherRate, kDecay, s)});
            add("baseline", s, data_.raw, {kBaseline, baseline});
            add("baseline, folded", s, data_.folded, {kBaseline, baseline});
            add("student", s, data_.folded, {kStudent, student, start_of(s)});
            add("student, no decay", s, data_.folded,
                {kStudent, training(epochs, kStudentRate, 0, s), start_of(s)});
            if (is_pair()) add("student, no transfer", s, data_.folded, {kStudent, student});
        }
        return jobs;
    }

    CompressRecipe recipe_of(const Techniques& techniques, std::size_t seed, std::size_t epochs) {
        CompressRecipe recipe;
        recipe.plan.weight_bits = techniques.weight_bits;
        recipe.plan.activation_bits = techniques.activation_bits;
        recipe.training = training(epochs, kCompressionRate, techniques.decay ? kDecay : 0, seed);
        if (techniques.pruning)
            recipe.training.pruning.sparsity = techniques.sparsity.value_or(sparsity_of(to_.task));
        recipe.aware = techniques.aware;
        recipe.equalised = techniques.equalised;
        if (!techniques.distillation) return recipe;
        recipe.training.distillation = kDistillation;
        recipe.teacher = &to_.named("teacher").seeds[seed].run;
        return recipe;
    }

    Job compression_job(const std::string& what, std::size_t seed, const Techniques& techniques,
                        std::size_t epochs, Judged& to) {
        const bool plain = is_pair() && !techniques.transfer;
        const char* from = plain              ? "student, no transfer"
                           : techniques.decay ? "student"
                                              : "student, no decay";
        const TrainedRun& start = to_.named(from).seeds[seed].run;
        const CompressRecipe recipe = recipe_of(techniques, seed, epochs);
        return {what + ", seed " + std::to_string(seed + 1),
                [recipe, &start, this] { return compress(data_.folded, start, recipe, kQuiet); },
                &to};
    }

    std::vector<Job> compression_jobs() {
        std::vector<Job> jobs;
        const auto ablations = ablations_of(to_.task);
        for (std::size_t s = 0; s < settings_.seeds; ++s)
            for (std::size_t a = 0; a < ablations.size(); ++a)
                jobs.push_back(compression_job(ablations[a].name, s, ablations[a].techniques,
                                               settings_.compression_epochs,
                                               to_.ablation[a].seeds[s]));
        return jobs;
    }

    /// What the other task or a teacher that saw everything are worth where labels are few.
    Status run_few(Workshop& workshop) {
        for (const Few& few : few_)
            for (const char* way : {"from nothing", "teacher of all rows", "transfer"})
                if (is_pair() || way != std::string("transfer"))
                    variant(to_.few, std::to_string(few.rows) + " rows, " + way);
        std::vector<Job> jobs;
        std::size_t at = 0;
        for (const Few& few : few_) {
            const std::size_t epochs = std::max(settings_.few_visits / few.rows, std::size_t{2});
            const std::size_t ways = is_pair() ? 3 : 2;
            for (std::size_t way = 0; way < ways; ++way, ++at)
                for (std::size_t s = 0; s < settings_.seeds; ++s) {
                    FloatRecipe recipe{kStudent, training(epochs, kStudentRate, kDecay, s)};
                    if (way == 1) {
                        recipe.training.distillation = 0.5F;
                        recipe.teacher = &to_.named("teacher").seeds[s].run;
                    }
                    if (way == 2) recipe.start = start_of(s);
                    jobs.push_back(
                        float_job(to_.few[at].name, s, few.data, recipe, to_.few[at].seeds[s]));
                }
        }
        return workshop.run(to_.task, jobs);
    }

    Status run_pareto(Workshop& workshop) {
        std::vector<Judged> points(pareto_grid().size());
        std::vector<Job> jobs;
        for (std::size_t i = 0; i < points.size(); ++i) {
            const Techniques& techniques = pareto_grid()[i];
            const std::string what = std::to_string(techniques.weight_bits) + " bits, sparsity " +
                                     std::to_string(*techniques.sparsity).substr(0, 4);
            jobs.push_back(
                compression_job(what, 0, techniques, settings_.pareto_epochs, points[i]));
        }
        BUNCH_RETURN_IF_ERROR(workshop.run(to_.task, jobs));
        for (std::size_t i = 0; i < points.size(); ++i)
            to_.pareto.push_back(
                {pareto_grid()[i].weight_bits, *pareto_grid()[i].sparsity, points[i].score});
        return ok_status();
    }

    Status run_search(Workshop& workshop) {
        std::vector<Judged> points(searched().size());
        std::vector<Job> jobs;
        for (std::size_t i = 0; i < points.size(); ++i)
            jobs.push_back({fmt::format("student {}", fmt::join(searched()[i], "-")),
                            [this, i] { return compressed_student(searched()[i]); }, &points[i]});
        BUNCH_RETURN_IF_ERROR(workshop.run(to_.task, jobs));
        for (std::size_t i = 0; i < points.size(); ++i)
            to_.search.push_back({searched()[i], points[i].score});
        return ok_status();
    }

    Result<TrainedRun> compressed_student(const Widths& hidden) {
        const FloatRecipe recipe{hidden, training(settings_.epochs, kStudentRate, kDecay, 0)};
        BUNCH_ASSIGN_OR_RETURN(const TrainedRun student, train_float(data_.folded, recipe, kQuiet));
        Techniques techniques;
        techniques.sparsity =
            std::max(0.0, 1 - (1 - sparsity_of(to_.task)) *
                                  static_cast<double>(weights_between(to_.task, kStudent)) /
                                  static_cast<double>(weights_between(to_.task, hidden)));
        return compress(data_.folded, student, recipe_of(techniques, 0, settings_.pareto_epochs),
                        kQuiet);
    }

    const StudySettings& settings_;
    const Data& data_;
    TaskStudy& to_;
    const TaskStudy* recalibration_;
    std::vector<Few> few_;
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
    settings.compression_epochs = 10;
    settings.teacher_epochs = 1;
    settings.pareto_epochs = 4;
    settings.few = {2'000, 10'000};
    settings.few_visits = 40'000;
    return settings;
}

const Variant& TaskStudy::named(const std::string& name) const {
    for (const Variant& variant : variants)
        if (variant.name == name) return variant;
    BUNCH_CHECK(false);
    return variants.front();
}

nlohmann::json json_of(const StudySettings& settings) {
    return {{"muons", settings.muons},
            {"pairs", settings.pairs},
            {"test", settings.test},
            {"test_seed", kTestSeed},
            {"seeds", settings.seeds},
            {"epochs", settings.epochs},
            {"compression_epochs", settings.compression_epochs},
            {"teacher_epochs", settings.teacher_epochs},
            {"pareto_epochs", settings.pareto_epochs},
            {"few", settings.few},
            {"few_visits", settings.few_visits},
            {"choices", choices()}};
}

Result<Study> run_study(const StudySettings& settings, const OnStep& on_step) {
    if (settings.seeds == 0) return invalid_argument("a study needs at least 1 seed");
    if (!settings.folder.empty())
        BUNCH_RETURN_IF_ERROR(
            begin_study_folder(settings.folder, json_of(settings).dump(2) + "\n", settings.resume));
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
    const Data muon_data = data_of(muons), pair_data = data_of(pairs);
    TaskRunner recalibration(study.settings, muon_data, study.recalibration, nullptr);
    TaskRunner pair(study.settings, pair_data, study.pair, &study.recalibration);
    Workshop workshop(study, recalibration.job_count() + pair.job_count(), on_step);
    BUNCH_RETURN_IF_ERROR(recalibration.run(workshop));
    BUNCH_RETURN_IF_ERROR(pair.run(workshop));
    return study;
}

}  // namespace bunch::muon
