// TreeEnsembleClassifier and TreeEnsembleRegressor of the domain ai.onnx.ml.
#include <algorithm>
#include <cmath>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"
#include "backends/kernels/trees.h"

namespace bunch::kernels {
namespace {

enum class Transform : std::uint8_t { none, logistic, softmax, softmax_zero };

Result<Transform> transform_of(Node& node) {
    const std::string text = node.attributes.text("post_transform", "NONE");
    if (text == "NONE") return Transform::none;
    if (text == "LOGISTIC") return Transform::logistic;
    if (text == "SOFTMAX") return Transform::softmax;
    if (text == "SOFTMAX_ZERO") return Transform::softmax_zero;
    return node.unsupported("with post_transform = '" + text + "'");
}

void transform(Transform how, double* scores, std::int64_t n) {
    if (how == Transform::none) return;
    if (how == Transform::logistic) {
        for (std::int64_t i = 0; i < n; ++i) scores[i] = 1 / (1 + std::exp(-scores[i]));
        return;
    }
    const double most = *std::max_element(scores, scores + n);
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const bool skipped = how == Transform::softmax_zero && scores[i] == 0;
        scores[i] = skipped ? 0 : std::exp(scores[i] - most);
        total += scores[i];
    }
    for (std::int64_t i = 0; i < n; ++i) scores[i] /= total;
}

// The input as f32 [rows, features].
struct Rows {
    std::vector<float> converted;
    const float* x = nullptr;
    std::int64_t rows = 0, features = 0;
};

Result<Rows> rows_of(const Run& run, const TreeEnsemble& trees) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    Rows rows;
    if (e.rank() < 1 || e.rank() > 2) return run.misfit();
    rows.rows = e.rank() == 2 ? e[0] : 1;
    rows.features = e[e.rank() - 1];
    if (rows.features < trees.least_features())
        return run.misfit("but the trees read " + std::to_string(trees.least_features()) +
                          " features");
    if (x.type == DataType::f32) {
        rows.x = data<float>(x);
        return rows;
    }
    BUNCH_RETURN_IF_ERROR(for_wide_numbers(run, x.type, [&](auto tag) {
        for (std::int64_t i = 0; i < count(x); ++i)
            rows.converted.push_back(static_cast<float>(data<decltype(tag)>(x)[i]));
        return ok_status();
    }));
    rows.x = rows.converted.data();
    return rows;
}

struct Regressor {
    TreeEnsemble trees;
    std::int64_t targets = 1;
    Floats base;
    std::string aggregate;
    Transform how = Transform::none;
};

Status regress(Run& run, const Regressor& model) {
    BUNCH_ASSIGN_OR_RETURN(const Rows rows, rows_of(run, model.trees));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y,
                           run.output(0, DataType::f32, Shape{rows.rows, model.targets}));
    BUNCH_RETURN_IF_ERROR(run.scratch(2 * y.bytes.size()).status());
    std::vector<double> sums(static_cast<std::size_t>(rows.rows * model.targets), 0.0);
    if (model.aggregate == "MAX" || model.aggregate == "MIN")
        model.trees.extreme(rows.x, rows.rows, rows.features, model.targets,
                            model.aggregate == "MAX", sums.data());
    else
        model.trees.add(rows.x, rows.rows, rows.features, model.targets, sums.data());
    for (std::int64_t r = 0; r < rows.rows; ++r) {
        double* row = sums.data() + r * model.targets;
        for (std::int64_t t = 0; t < model.targets; ++t) {
            if (model.aggregate == "AVERAGE") row[t] /= static_cast<double>(model.trees.trees());
            if (!model.base.empty())
                row[t] += static_cast<double>(model.base[static_cast<std::size_t>(t)]);
        }
        transform(model.how, row, model.targets);
        for (std::int64_t t = 0; t < model.targets; ++t)
            data<float>(y)[r * model.targets + t] = static_cast<float>(row[t]);
    }
    return ok_status();
}

Result<Kernel> make_regressor(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    BUNCH_ASSIGN_OR_RETURN(TreeEnsemble trees, TreeEnsemble::read(node, "target"));
    auto model = std::make_shared<Regressor>(
        Regressor{std::move(trees), node.attributes.integer("n_targets", 1),
                  node.attributes.numbers("base_values"),
                  node.attributes.text("aggregate_function", "SUM"), Transform::none});
    BUNCH_ASSIGN_OR_RETURN(model->how, transform_of(node));
    const std::string& how = model->aggregate;
    if (how != "SUM" && how != "AVERAGE" && how != "MIN" && how != "MAX")
        return node.wrong("has aggregate_function = '" + how + "'");
    if (model->targets < model->trees.least_targets() || model->targets > (1 << 20) ||
        (!model->base.empty() && static_cast<std::int64_t>(model->base.size()) != model->targets))
        return node.wrong("has n_targets = " + std::to_string(model->targets) +
                          ", which does not fit its weights");
    return Kernel([model](Run& run) { return regress(run, *model); });
}

struct Classifier {
    TreeEnsemble trees;
    Integers labels;
    Floats base;
    Transform how = Transform::none;
    bool one_score = false;  ///< two classes, and all weights are for one of them
};

// Two classes of which the trees know one: the other has what is left.
void complete(const Classifier& model, double score, double* scores, std::int64_t& winner) {
    if (model.how == Transform::none) {
        scores[1] = score, scores[0] = 1 - score;
        winner = score > 0.5 ? 1 : 0;
        return;
    }
    scores[0] = -score, scores[1] = score;
    winner = score > 0 ? 1 : 0;
    transform(model.how, scores, 2);
}

Status classify(Run& run, const Classifier& model) {
    BUNCH_ASSIGN_OR_RETURN(const Rows rows, rows_of(run, model.trees));
    const auto classes = static_cast<std::int64_t>(model.labels.size());
    BUNCH_ASSIGN_OR_RETURN(const TensorView labels, run.output(0, DataType::i64, Shape{rows.rows}));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y,
                           run.output(1, DataType::f32, Shape{rows.rows, classes}));
    BUNCH_RETURN_IF_ERROR(run.scratch(2 * y.bytes.size()).status());
    std::vector<double> sums(static_cast<std::size_t>(rows.rows * classes), 0.0);
    model.trees.add(rows.x, rows.rows, rows.features, classes, sums.data());
    for (std::int64_t r = 0; r < rows.rows; ++r) {
        double* row = sums.data() + r * classes;
        std::int64_t winner = 0;
        if (model.one_score) {
            const double base = model.base.empty() ? 0 : static_cast<double>(model.base.back());
            complete(model, row[model.trees.least_targets() - 1] + base, row, winner);
        } else {
            for (std::size_t c = 0; c < model.base.size(); ++c)
                row[c] += static_cast<double>(model.base[c]);
            winner = std::max_element(row, row + classes) - row;
            transform(model.how, row, classes);
        }
        data<std::int64_t>(labels)[r] = model.labels[static_cast<std::size_t>(winner)];
        for (std::int64_t c = 0; c < classes; ++c)
            data<float>(y)[r * classes + c] = static_cast<float>(row[c]);
    }
    return ok_status();
}

Result<Kernel> make_classifier(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    if (node.attributes.has("classlabels_strings"))
        return node.unsupported("with labels that are text");
    BUNCH_ASSIGN_OR_RETURN(TreeEnsemble trees, TreeEnsemble::read(node, "class"));
    const Integers targets = node.attributes.integers("class_ids");
    auto model = std::make_shared<Classifier>(
        Classifier{std::move(trees), node.attributes.integers("classlabels_int64s"),
                   node.attributes.numbers("base_values"), Transform::none, false});
    BUNCH_ASSIGN_OR_RETURN(model->how, transform_of(node));
    const auto classes = static_cast<std::int64_t>(model->labels.size());
    const bool one_target =
        std::adjacent_find(targets.begin(), targets.end(), std::not_equal_to<>()) == targets.end();
    model->one_score = classes == 2 && one_target;
    if (classes < model->trees.least_targets() ||
        (!model->base.empty() && static_cast<std::int64_t>(model->base.size()) != classes &&
         !model->one_score))
        return node.wrong("has " + std::to_string(classes) +
                          " labels, which do not fit its weights");
    return Kernel([model](Run& run) { return classify(run, *model); });
}

constexpr Entry kEntries[] = {
    {"TreeEnsembleRegressor", make_regressor},
    {"TreeEnsembleClassifier", make_classifier},
};

}  // namespace

std::span<const Entry> tree_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
