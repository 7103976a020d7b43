#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "muon/commands.h"
#include "muon/evaluation.h"
#include "muon/histograms.h"
#include "muon/parallel.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string sample;
    std::vector<std::string> runs;
    bool json = false;
};

void print(const std::string& name, const ErrorFigures& figures) {
    fmt::print("{:<36} phi68 {:6.3f}  rms {:6.3f}   eta68 {:6.3f}   pt68 {:6.4f}\n", name,
               figures.phi.q68, figures.phi.rms, figures.eta.q68, figures.pt.q68);
}

Status evaluate_command(const Options& options) {
    nlohmann::json all;
    MuonSample muons;
    PairSample pairs;
    for (const std::string& folder : options.runs) {
        BUNCH_ASSIGN_OR_RETURN(const TrainedRun run, read_run(folder));
        BUNCH_ASSIGN_OR_RETURN(const Size size, size_of(run));
        if (run.task == Task::recalibration) {
            if (muons.size() == 0) {
                BUNCH_ASSIGN_OR_RETURN(muons, read_muons(options.sample));
                const ErrorFigures raw = figures_of(raw_errors(muons));
                all["raw"] = json_of(raw);
                if (!options.json) print("raw", raw);
            }
            BUNCH_ASSIGN_OR_RETURN(const Errors errors, evaluate(run, muons, core_count()));
            const ErrorFigures figures = figures_of(errors);
            all[folder] = json_of(figures);
            if (!options.json) print(folder, figures);
        } else {
            if (pairs.size() == 0) {
                BUNCH_ASSIGN_OR_RETURN(pairs, read_pairs(options.sample));
            }
            BUNCH_ASSIGN_OR_RETURN(const auto scores, score(run, pairs, core_count()));
            BUNCH_ASSIGN_OR_RETURN(const Separation separation, separation_of(scores, pairs.real));
            all[folder] = json_of(separation);
            if (!options.json)
                fmt::print("{:<36} ROC AUC {:.4f}  PR AUC {:.4f}  rejection at 95 % {:.1f}\n",
                           folder, separation.roc_auc, separation.pr_auc, separation.rejection_95);
        }
        all[folder]["nonzero_weights"] = size.weights;
        all[folder]["weight_bits"] = size.bits;
        const nlohmann::json record = {{"settings",
                                        {{"sample", options.sample},
                                         {"sample_settings", settings_of_sample(options.sample)},
                                         {"network", identity_of(run)}}},
                                       {"results", all[folder]}};
        BUNCH_RETURN_IF_ERROR(write_text(folder + "/evaluate.json", record.dump(2) + "\n"));
    }
    if (options.json) fmt::print("{}\n", all.dump(2));
    return ok_status();
}

}  // namespace

void add_evaluate_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("evaluate", "Figures of merit of trained networks on a sample");
    command->add_option("sample", options->sample, "Folder of 'bunch-muon generate'")->required();
    command->add_option("runs", options->runs, "Folders of networks")->required();
    command->add_flag("--json", options->json, "Print JSON");
    command->callback(
        [options, &chosen] { chosen = [options] { return evaluate_command(*options); }; });
}

}  // namespace bunch::muon
