#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "muon/commands.h"
#include "muon/parallel.h"
#include "muon/progress.h"
#include "muon/quantised/freeze.h"
#include "muon/report/pictures.h"
#include "muon/report/text.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string folder;
    bool quick = false;
    bool resume = false;
    std::size_t seeds = 0;
    std::size_t vectors = 0;
    unsigned threads = core_count();
};

Result<Hardware> hardware_of(const Options& options, const Study& study, const TaskStudy& task,
                             std::size_t vectors) {
    Progress bar(fmt::format("{}: RTL, CPU runner, Yosys", name_of(task.task)));
    const Variant& compressed = task.named("compressed");
    BUNCH_RETURN_IF_ERROR(write_run(options.folder + "/" + std::string(name_of(task.task)),
                                    compressed.seeds.front().run));
    std::vector<IntegerNetwork> networks;
    for (const Judged& judged : compressed.seeds) {
        BUNCH_ASSIGN_OR_RETURN(IntegerNetwork network, freeze(judged.run.model, task.task));
        networks.push_back(std::move(network));
    }
    auto fields =
        task.task == Task::pair ? fields_of(study.test_pairs) : fields_of(study.test_muons);
    auto made = try_hardware(options.folder, networks, std::move(fields), vectors, options.threads);
    bar.end(made.ok() ? fmt::format("latency {} clocks", made->seeds.front().latency) : "failed");
    return made;
}

Status report_command(const Options& options) {
    StudySettings settings = options.quick ? quick_settings() : StudySettings{};
    if (options.seeds > 0) settings.seeds = options.seeds;
    settings.threads = options.threads;
    settings.folder = options.folder;
    settings.resume = options.resume;
    const std::size_t vectors = options.vectors > 0 ? options.vectors
                                : options.quick     ? 50'000
                                                    : 10'000'000;
    BUNCH_RETURN_IF_ERROR(make_folder(options.folder));
    const auto begin = std::chrono::steady_clock::now();
    Progress bar("training");
    auto study =
        run_study(settings, [&](std::size_t done, std::size_t all, const std::string& what) {
            const std::chrono::duration<double> so_far = std::chrono::steady_clock::now() - begin;
            const double part = static_cast<double>(done) / static_cast<double>(all);
            bar.update(part, fmt::format("{:.0f} of {:.0f} min, {}", so_far.count() / 60,
                                         so_far.count() / part / 60, what));
        });
    bar.end(study.ok() ? "done" : "failed");
    if (!study.ok()) return study.status();
    // What took longest is safe before anything else can fail.
    BUNCH_RETURN_IF_ERROR(
        write_text(options.folder + "/report.json", json_of(*study).dump(2) + "\n"));
    BUNCH_ASSIGN_OR_RETURN(const Hardware muons,
                           hardware_of(options, *study, study->recalibration, vectors));
    BUNCH_ASSIGN_OR_RETURN(const Hardware pairs,
                           hardware_of(options, *study, study->pair, vectors));
    BUNCH_ASSIGN_OR_RETURN(const auto pictures, pictures_of(*study));
    for (const auto& [name, svg] : pictures)
        BUNCH_RETURN_IF_ERROR(write_text(options.folder + "/" + name, svg));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    const ReportInput input{
        *study, muons, pairs, seconds.count(),
        fmt::format("bunch-muon report{}{} --seeds {} --vectors {} --threads {}",
                    options.quick ? " --quick" : "", options.resume ? " --continue" : "",
                    settings.seeds, vectors, settings.threads)};
    BUNCH_RETURN_IF_ERROR(
        write_text(options.folder + "/report.json", json_of(input).dump(2) + "\n"));
    BUNCH_RETURN_IF_ERROR(write_text(options.folder + "/report.md", markdown_of(input)));
    fmt::print("{}/report.md: {:.0f} s\n", options.folder, seconds.count());
    return ok_status();
}

}  // namespace

void add_report_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "report", "The whole study: trains, compresses, verifies; report.md with pictures");
    command->add_option("folder", options->folder, "Where to")->required();
    command->add_flag("--quick", options->quick, "A few minutes, figures that mean little");
    command->add_flag("--continue", options->resume,
                      "Go on with a study that was stopped: keep the networks in the folder");
    command->add_option("--seeds", options->seeds, "Networks of each kind; 3, with --quick 2")
        ->check(CLI::Range(1, 100));
    command
        ->add_option("--vectors", options->vectors,
                     "For the RTL and the CPU runner; ten million, with --quick 50000")
        ->check(CLI::Range(1, kMostVectors));
    command->add_option("--threads", options->threads, "Networks trained side by side")
        ->capture_default_str();
    command->callback(
        [options, &chosen] { chosen = [options] { return report_command(*options); }; });
}

}  // namespace bunch::muon
