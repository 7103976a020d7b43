#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "muon/commands.h"
#include "muon/evaluation.h"
#include "muon/histograms.h"
#include "muon/parallel.h"
#include "muon/progress.h"
#include "muon/sample_file.h"
#include "muon/toy/sample.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string folder;
    std::size_t muons = 400'000;
    std::size_t pairs = 200'000;
    std::uint64_t seed = 1;
    std::uint64_t detector_seed = 7;
    unsigned threads = core_count();
};

/// What can be said of a sample in numbers, against the trigger's own.
nlohmann::json json_of(const MuonSample& sample) {
    const ErrorFigures raw = figures_of(raw_errors(sample));
    std::vector<float> ratios;
    for (std::size_t i = 0; i < sample.size(); ++i)
        ratios.push_back(static_cast<float>(sample.l1[i].pt) * static_cast<float>(kPtUnit) /
                         sample.offline[i].pt);
    return {{"phi", json_of(raw.phi)},
            {"eta", json_of(raw.eta)},
            {"pt", json_of(raw.pt)},
            {"median_pt_ratio", width_of(ratios).bias}};
}

Status generate(const Options& options) {
    const SampleSettings muon_settings{options.seed, options.detector_seed, options.muons,
                                       options.threads};
    Progress muon_bar("single muons");
    BUNCH_ASSIGN_OR_RETURN(const MuonSample muons, generate_muons(muon_settings, [&](double part) {
                               muon_bar.update(part, "");
                           }));
    const nlohmann::json raw = json_of(muons);
    muon_bar.end(
        fmt::format("{}: raw phi68 {:.3f}, eta68 {:.3f}, pt68 {:.3f}, median pt ratio {:.3f}",
                    muons.size(), raw["phi"]["q68"].get<double>(), raw["eta"]["q68"].get<double>(),
                    raw["pt"]["q68"].get<double>(), raw["median_pt_ratio"].get<double>()));
    SampleSettings pair_settings = muon_settings;
    pair_settings.count = options.pairs;
    Progress pair_bar("pairs");
    BUNCH_ASSIGN_OR_RETURN(const PairSample pairs, generate_pairs(pair_settings, [&](double part) {
                               pair_bar.update(part, "");
                           }));
    pair_bar.end(fmt::format("{}: half real, half fake", pairs.size()));

    BUNCH_RETURN_IF_ERROR(write_muons(options.folder, muons));
    BUNCH_RETURN_IF_ERROR(write_pairs(options.folder, pairs));
    BUNCH_RETURN_IF_ERROR(write_text(options.folder + "/muons.svg", muon_pictures(muons)));
    BUNCH_RETURN_IF_ERROR(write_text(options.folder + "/pairs.svg", pair_pictures(pairs)));
    const nlohmann::json record = {{"settings",
                                    {{"seed", options.seed},
                                     {"detector_seed", options.detector_seed},
                                     {"muons", options.muons},
                                     {"pairs", options.pairs}}},
                                   {"raw", raw}};
    return write_text(options.folder + "/generate.json", record.dump(2) + "\n");
}

}  // namespace

void add_generate_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "generate", "Toy muons and pairs as .npy files, with histograms (muons.svg, pairs.svg)");
    command->add_option("folder", options->folder, "Where to")->required();
    command->add_option("--muons", options->muons, "Single muons")->capture_default_str();
    command->add_option("--pairs", options->pairs, "Pairs")->capture_default_str();
    command->add_option("--seed", options->seed, "Of the muons")->capture_default_str();
    command->add_option("--detector-seed", options->detector_seed, "Of the misalignment")
        ->capture_default_str();
    command->add_option("--threads", options->threads, "The sample does not depend on them")
        ->capture_default_str();
    command->callback([options, &chosen] { chosen = [options] { return generate(*options); }; });
}

}  // namespace bunch::muon
