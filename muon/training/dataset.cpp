#include "muon/training/dataset.h"

#include <algorithm>
#include <array>

namespace bunch::muon {
namespace {

constexpr float kMostWeight = 4;  // of a muon whose momentum the trigger grossly overestimates
constexpr float kEtaScale = 2;    // else phi, which has more to gain, takes all of a small network
constexpr float kPtScale = 2;  // a relative error of a quarter counts like 8 units of phi by half

/// Means and deviations of the fields in any of our samples; fixed, so that networks can be shared.
constexpr std::array<float, kMuonFields> kFieldMeans = {288, 0, 60, 0.5F, 12};
constexpr std::array<float, kMuonFields> kFieldScales = {166, 127, 70, 0.5F, 3};

void append_raw(std::vector<float>& x, const L1Muon& muon) {
    const auto fields = fields_of(muon);
    for (std::size_t i = 0; i < fields.size(); ++i)
        x.push_back((static_cast<float>(fields[i]) - kFieldMeans[i]) / kFieldScales[i]);
}

void append_folded(std::vector<float>& x, std::span<const std::uint8_t> features, Task task) {
    const auto centres = feature_centres(task);
    for (std::size_t i = 0; i < features.size(); ++i)
        x.push_back(static_cast<float>(features[i] - centres[i]) / (1 << kInputExponent));
}

void append_targets(Dataset& dataset, const L1Muon& l1, const OfflineMuon& offline) {
    const bool folded = dataset.encoding == Encoding::folded;
    const auto units = output_units(Task::recalibration);
    const float phi = wrapped_phi(offline.phi - static_cast<float>(l1.phi) - 0.5F);
    const float eta = offline.eta - static_cast<float>(l1.eta);
    const float l1_pt = static_cast<float>(l1.pt) * static_cast<float>(kPtUnit);
    dataset.targets.push_back((folded && l1.charge == 0 ? -phi : phi) / units[0]);
    dataset.targets.push_back((folded && l1.eta < 0 ? -eta : eta) / units[1]);
    dataset.targets.push_back((offline.pt / l1_pt - 1) / units[2]);
    dataset.weights.insert(dataset.weights.end(),
                           {1, kEtaScale, kPtScale * std::min(l1_pt / offline.pt, kMostWeight)});
}

Dataset empty_dataset(Task task, Encoding encoding, std::size_t rows) {
    Dataset made;
    made.task = task;
    made.encoding = encoding;
    made.rows = rows;
    made.inputs = input_count(task, encoding);
    made.outputs = output_count(task);
    made.x.reserve(rows * made.inputs);
    return made;
}

template <typename T>
std::vector<T> part(const std::vector<T>& all, std::size_t columns, std::size_t begin,
                    std::size_t end) {
    if (all.empty()) return {};
    return {all.begin() + static_cast<std::ptrdiff_t>(begin * columns),
            all.begin() + static_cast<std::ptrdiff_t>(end * columns)};
}

}  // namespace

Dataset dataset_of(const MuonSample& sample, Encoding encoding) {
    Dataset made = empty_dataset(Task::recalibration, encoding, sample.size());
    std::array<std::uint8_t, kMuonFeatures> features{};
    for (std::size_t i = 0; i < sample.size(); ++i) {
        if (encoding == Encoding::raw) {
            append_raw(made.x, sample.l1[i]);
        } else {
            fold(sample.l1[i], features);
            append_folded(made.x, features, made.task);
        }
        append_targets(made, sample.l1[i], sample.offline[i]);
    }
    return made;
}

Dataset dataset_of(const PairSample& sample, Encoding encoding) {
    Dataset made = empty_dataset(Task::pair, encoding, sample.size());
    std::array<std::uint8_t, kPairFeatures> features{};
    for (std::size_t i = 0; i < sample.size(); ++i) {
        if (encoding == Encoding::raw) {
            append_raw(made.x, sample.first[i]);
            append_raw(made.x, sample.second[i]);
        } else {
            fold(sample.first[i], sample.second[i], features);
            append_folded(made.x, features, made.task);
        }
        made.targets.push_back(static_cast<float>(sample.real[i]));
        made.weights.push_back(1);
    }
    return made;
}

Dataset rows_of(const Dataset& dataset, std::size_t begin, std::size_t end) {
    Dataset made = empty_dataset(dataset.task, dataset.encoding, end - begin);
    made.x = part(dataset.x, dataset.inputs, begin, end);
    made.targets = part(dataset.targets, dataset.outputs, begin, end);
    made.weights = part(dataset.weights, dataset.outputs, begin, end);
    made.soft = part(dataset.soft, dataset.outputs, begin, end);
    return made;
}

std::span<const float> first_rows(const Dataset& dataset, std::size_t count) {
    return std::span(dataset.x).first(std::min(count, dataset.rows) * dataset.inputs);
}

Errors errors_of(const MuonSample& sample, Encoding encoding, std::span<const float> outputs) {
    Errors errors;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        const auto row = outputs.subspan(3 * i).first<3>();
        errors.add(corrected(sample.l1[i], encoding, row), sample.offline[i]);
    }
    return errors;
}

}  // namespace bunch::muon
