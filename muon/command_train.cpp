// `bunch-muon train` and `bunch-muon compress`: one network each, into a folder.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "muon/commands.h"
#include "muon/evaluation.h"
#include "muon/parallel.h"
#include "muon/progress.h"
#include "muon/recipes.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string sample, out;
    std::string task = "recalibration", role = "student";
    std::string encoding, hidden;
    std::string from, teacher;
    TrainSettings training;
    QuantisationPlan plan;
    std::optional<double> rate;
    std::optional<std::size_t> epochs;
    bool no_qat = false;
    bool no_equalisation = false;
};

Result<Dataset> read_data(const std::string& folder, Task task, Encoding encoding) {
    if (task == Task::pair) {
        BUNCH_ASSIGN_OR_RETURN(const PairSample pairs, read_pairs(folder));
        return dataset_of(pairs, encoding);
    }
    BUNCH_ASSIGN_OR_RETURN(const MuonSample muons, read_muons(folder));
    return dataset_of(muons, encoding);
}

Result<std::vector<std::size_t>> widths_of(const std::string& text) {
    std::vector<std::size_t> widths;
    std::size_t at = 0;
    while (at <= text.size()) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string word = text.substr(at, comma - at);
        if (word.empty() || word.size() > 4 ||
            word.find_first_not_of("0123456789") != std::string::npos)
            return invalid_argument("--hidden '" + text + "': write widths as 32,16,16");
        widths.push_back(std::stoul(word));
        at = comma + 1;
    }
    return widths;
}

/// What a role is without further options.
struct Role {
    const char* hidden;
    Encoding encoding;
    std::size_t epochs;
    double rate;
};

std::optional<Role> role_named(const std::string& name) {
    if (name == "baseline") return Role{"16,16,16,16", Encoding::raw, 30, 4e-3};
    if (name == "student") return Role{"48,24,16", Encoding::folded, 10, 4e-3};
    if (name == "teacher") return Role{"256,256,256,256", Encoding::folded, 20, 1e-3};
    return std::nullopt;
}

/// Runs `work` with a bar, and writes what it made.
Status finish(const std::string& what, const Options& options,
              const std::function<Result<TrainedRun>(const OnEpoch&)>& work) {
    BUNCH_RETURN_IF_ERROR(make_folder(options.out));
    Progress bar(what);
    const auto begin = std::chrono::steady_clock::now();
    Result<TrainedRun> made = work([&](const EpochRecord& record) {
        bar.update(static_cast<double>(record.epoch) / static_cast<double>(options.training.epochs),
                   fmt::format("validation loss {:.4f}", record.validation_loss));
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    bar.end(made.ok() ? fmt::format("{:.1f} s", seconds.count()) : "failed");
    if (!made.ok()) return made.status();
    BUNCH_ASSIGN_OR_RETURN(const Size size, size_of(*made));
    made->settings["sample"] = options.sample;
    made->settings["sample_settings"] = settings_of_sample(options.sample);
    made->settings["task"] = options.task;
    if (!options.from.empty()) made->settings["from"] = options.from;
    if (!options.teacher.empty()) made->settings["teacher_folder"] = options.teacher;
    made->results = {{"seconds", seconds.count()},
                     {"nonzero_weights", size.weights},
                     {"weight_bits", size.bits}};
    made->results["validation_loss"] = made->curve.back().validation_loss;
    BUNCH_RETURN_IF_ERROR(write_run(options.out, *made));
    fmt::print("{}: {} weights that are not zero, {} bits\n", options.out, size.weights, size.bits);
    return ok_status();
}

Status train_command(Options options) {
    const auto task = task_named(options.task);
    const auto role = role_named(options.role);
    if (!task || !role)
        return invalid_argument("task '" + options.task + "' and role '" + options.role +
                                "': write recalibration or pair; baseline, student or teacher");
    const auto encoding =
        options.encoding.empty() ? role->encoding : encoding_named(options.encoding);
    if (!encoding) return invalid_argument("--encoding is raw or folded");
    FloatRecipe recipe;
    BUNCH_ASSIGN_OR_RETURN(recipe.hidden,
                           widths_of(options.hidden.empty() ? role->hidden : options.hidden));
    options.training.epochs = options.epochs.value_or(role->epochs);
    options.training.rate = options.rate.value_or(role->rate);
    recipe.training = options.training;
    BUNCH_ASSIGN_OR_RETURN(const Dataset all, read_data(options.sample, *task, *encoding));
    TrainedRun start;
    if (!options.from.empty()) {
        BUNCH_ASSIGN_OR_RETURN(start, read_run(options.from));
        recipe.start = &start;
    }
    const TaskData data = split(all);
    return finish(fmt::format("{} {}", options.task, options.role), options,
                  [&](const OnEpoch& on_epoch) { return train_float(data, recipe, on_epoch); });
}

Status compress_command(Options options) {
    BUNCH_ASSIGN_OR_RETURN(const TrainedRun start, read_run(options.from));
    options.task = name_of(start.task);
    options.training.epochs = options.epochs.value_or(20);
    options.training.rate = options.rate.value_or(3e-3);
    CompressRecipe recipe{options.plan, options.training, !options.no_qat, !options.no_equalisation,
                          nullptr};
    TrainedRun teacher;
    if (!options.teacher.empty()) {
        BUNCH_ASSIGN_OR_RETURN(teacher, read_run(options.teacher));
        recipe.teacher = &teacher;
    }
    BUNCH_ASSIGN_OR_RETURN(const Dataset all,
                           read_data(options.sample, start.task, start.encoding));
    const TaskData data = split(all);
    return finish(options.task + " compressed", options,
                  [&](const OnEpoch& on_epoch) { return compress(data, start, recipe, on_epoch); });
}

void add_training_options(CLI::App& command, Options& options) {
    command.add_option("sample", options.sample, "Folder of 'bunch-muon generate'")->required();
    command.add_option("--out", options.out, "Folder for network.json and run.json")->required();
    command.add_option("--epochs", options.epochs, "Times through the sample");
    command.add_option("--rate", options.rate, "Of Adam, at its highest");
    command.add_option("--decay", options.training.decay, "Of weights, times the rate, per step")
        ->capture_default_str();
    command.add_option("--batch", options.training.batch, "Rows per step")->capture_default_str();
    command.add_option("--seed", options.training.seed, "Of weights and order")
        ->capture_default_str();
    command.add_option("--threads", options.training.threads, "Results do not depend on them")
        ->capture_default_str();
}

}  // namespace

void add_train_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    options->training.threads = core_count();
    CLI::App* command = app.add_subcommand("train", "A network in floating point");
    add_training_options(*command, *options);
    command->add_option("--task", options->task, "recalibration or pair")->capture_default_str();
    command->add_option("--role", options->role, "baseline (4 x 16), student or teacher (4 x 256)")
        ->capture_default_str();
    command->add_option("--hidden", options->hidden, "Widths of hidden layers, e.g. 32,16,16");
    command->add_option("--encoding", options->encoding, "raw or folded");
    command->add_option("--transfer", options->from,
                        "Begin a pair network from this recalibration network's folder");
    command->callback(
        [options, &chosen] { chosen = [options] { return train_command(*options); }; });
}

void add_compress_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    options->training.threads = core_count();
    CLI::App* command = app.add_subcommand(
        "compress", "Prunes and rounds a trained network while it goes on learning");
    add_training_options(*command, *options);
    QuantisationPlan& plan = options->plan;
    command->add_option("--from", options->from, "Folder of the network to begin from")->required();
    command->add_option("--teacher", options->teacher, "Folder of a network to learn from");
    command
        ->add_option("--distillation", options->training.distillation, "The teacher's part, 0 to 1")
        ->capture_default_str();
    command
        ->add_option("--sparsity", options->training.pruning.sparsity,
                     "Part of the weights that becomes zero")
        ->capture_default_str();
    command->add_option("--weight-bits", plan.weight_bits, "2 to 8")->capture_default_str();
    command->add_option("--last-weight-bits", plan.last_weight_bits, "2 to 8")
        ->capture_default_str();
    command->add_option("--activation-bits", plan.activation_bits, "2 to 8")->capture_default_str();
    command->add_flag("--no-equalisation", options->no_equalisation,
                      "Leave the units' ranges as they are before rounding");
    command->add_flag("--no-qat", options->no_qat, "Round only after the training");
    command->callback(
        [options, &chosen] { chosen = [options] { return compress_command(*options); }; });
}

}  // namespace bunch::muon
