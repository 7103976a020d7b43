#include "muon/evaluation.h"

#include <algorithm>
#include <cmath>

#include "muon/quantised/freeze.h"
#include "muon/sample_file.h"
#include "muon/training/dataset.h"
#include "muon/training/forward.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kBaselineWordBits = 18;

Status expect(const TrainedRun& run, Task task) {
    if (run.task == task) return ok_status();
    return invalid_argument("the network was trained for " + std::string(name_of(run.task)) +
                            ", the sample is for " + std::string(name_of(task)));
}

Errors integer_errors(const MuonSample& sample, std::span<const std::int32_t> results) {
    Errors errors;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        OfflineMuon found = measured(sample.l1[i]);
        found.phi += static_cast<float>(results[3 * i]) / 16;
        found.eta += static_cast<float>(results[3 * i + 1]) / 16;
        found.pt = static_cast<float>(results[3 * i + 2]) * static_cast<float>(kPtUnit);
        errors.add(found, sample.offline[i]);
    }
    return errors;
}

}  // namespace

Result<Errors> evaluate(const TrainedRun& run, const MuonSample& sample, unsigned threads) {
    BUNCH_RETURN_IF_ERROR(expect(run, Task::recalibration));
    if (!run.model.plan) {
        const Dataset data = dataset_of(sample, run.encoding);
        const auto outputs = predict(run.model.network, nullptr, data.x, threads);
        if (!std::all_of(outputs.begin(), outputs.end(), [](float y) { return std::isfinite(y); }))
            return invalid_argument(
                "an output of the network is no number: its weights are too large; train it again");
        return errors_of(sample, run.encoding, outputs);
    }
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, freeze(run.model, run.task));
    return integer_errors(sample, run_fields(network, fields_of(sample), threads));
}

Result<std::vector<float>> score(const TrainedRun& run, const PairSample& sample,
                                 unsigned threads) {
    BUNCH_RETURN_IF_ERROR(expect(run, Task::pair));
    if (!run.model.plan) {
        const Dataset data = dataset_of(sample, run.encoding);
        return predict(run.model.network, nullptr, data.x, threads);
    }
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, freeze(run.model, run.task));
    std::vector<float> scores;
    for (const std::int32_t logit : run_fields(network, fields_of(sample), threads))
        scores.push_back(static_cast<float>(logit) / 64);
    return scores;
}

nlohmann::json json_of(const Width& width) {
    return {{"q68", width.q68}, {"rms", width.rms}, {"fwhm", width.fwhm}, {"bias", width.bias}};
}

nlohmann::json json_of(const ErrorFigures& figures) {
    return {
        {"phi", json_of(figures.phi)}, {"eta", json_of(figures.eta)}, {"pt", json_of(figures.pt)}};
}

nlohmann::json json_of(const Separation& separation) {
    return {{"roc_auc", separation.roc_auc},
            {"pr_auc", separation.pr_auc},
            {"rejection_95", separation.rejection_95}};
}

nlohmann::json settings_of_sample(const std::string& folder) {
    const auto text = read_text(folder + "/generate.json");
    if (!text.ok()) return nullptr;
    const auto record = nlohmann::json::parse(*text, nullptr, false);
    return record.is_object() ? record.value("settings", nlohmann::json()) : nlohmann::json();
}

Result<Size> size_of(const TrainedRun& run) {
    if (!run.model.plan) {
        const std::size_t weights = run.model.network.nonzero_weights();
        return Size{weights, weights * kBaselineWordBits};
    }
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, freeze(run.model, run.task));
    return Size{network.nonzero_weights(), network.weight_bits()};
}

}  // namespace bunch::muon
