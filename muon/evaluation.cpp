#include "muon/evaluation.h"

#include <algorithm>
#include <cmath>

#include "muon/quantised/freeze.h"
#include "muon/training/dataset.h"
#include "muon/training/forward.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kBaselineWordBits = 18;

void append(std::vector<std::int32_t>& fields, const L1Muon& muon) {
    fields.insert(fields.end(), {muon.phi, muon.eta, muon.pt, muon.charge, muon.quality});
}

Status expect(const TrainedRun& run, Task task) {
    if (run.task == task) return ok_status();
    return invalid_argument("the network was trained for " + std::string(name_of(run.task)) +
                            ", the sample is for " + std::string(name_of(task)));
}

Errors integer_errors(const MuonSample& sample, std::span<const std::int32_t> results) {
    Errors errors;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        const L1Muon& l1 = sample.l1[i];
        const OfflineMuon& offline = sample.offline[i];
        const auto sixteenth = [&](std::size_t at) {
            return static_cast<float>(results[3 * i + at]) / 16;
        };
        const float pt = static_cast<float>(results[3 * i + 2]) * static_cast<float>(kPtUnit);
        errors.phi.push_back(
            wrapped_phi(static_cast<float>(l1.phi) + 0.5F + sixteenth(0) - offline.phi));
        errors.eta.push_back(static_cast<float>(l1.eta) + sixteenth(1) - offline.eta);
        errors.pt.push_back(pt / offline.pt - 1);
    }
    return errors;
}

nlohmann::json json_of(const Width& width) {
    return {{"q68", width.q68}, {"rms", width.rms}, {"fwhm", width.fwhm}, {"bias", width.bias}};
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
    std::vector<std::int32_t> fields;
    for (const L1Muon& muon : sample.l1) append(fields, muon);
    return integer_errors(sample, run_fields(network, fields, threads));
}

Result<std::vector<float>> score(const TrainedRun& run, const PairSample& sample,
                                 unsigned threads) {
    BUNCH_RETURN_IF_ERROR(expect(run, Task::pair));
    if (!run.model.plan) {
        const Dataset data = dataset_of(sample, run.encoding);
        return predict(run.model.network, nullptr, data.x, threads);
    }
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, freeze(run.model, run.task));
    std::vector<std::int32_t> fields;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        append(fields, sample.first[i]);
        append(fields, sample.second[i]);
    }
    std::vector<float> scores;
    for (const std::int32_t logit : run_fields(network, fields, threads))
        scores.push_back(static_cast<float>(logit) / 64);
    return scores;
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

Result<Size> size_of(const TrainedRun& run) {
    if (!run.model.plan) {
        const std::size_t weights = run.model.network.nonzero_weights();
        return Size{weights, weights * kBaselineWordBits};
    }
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, freeze(run.model, run.task));
    return Size{network.nonzero_weights(), network.weight_bits()};
}

}  // namespace bunch::muon
