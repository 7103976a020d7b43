#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

constexpr std::int64_t kFeatures = 7, kTargets = 3;

/// A forest as lists, and as a function that is too simple to be wrong.
struct Forest {
    NodeSpec spec;
    std::vector<std::function<void(const float* row, double* sums)>> trees;
};

void push(NodeSpec& spec, const char* name, std::int64_t number) {
    auto& attribute = spec.attributes.try_emplace(name, Integers()).first->second;
    std::get<Integers>(attribute).push_back(number);
}
void push(NodeSpec& spec, const char* name, float number) {
    auto& attribute = spec.attributes.try_emplace(name, Floats()).first->second;
    std::get<Floats>(attribute).push_back(number);
}

using Walk = std::function<void(const float* row, double* sums)>;

// Grows a tree below node `id` and returns what it does. `next` is the first id that is free.
Walk grow(NodeSpec& spec, std::mt19937& random, std::int64_t tree, std::int64_t id,
          std::int64_t& next, int depth) {
    const bool leaf = depth == 0 || random() % 8 == 0;
    const auto feature = static_cast<std::int64_t>(random() % kFeatures);
    const float number = static_cast<float>(random() % 2001) / 1000 - 1;
    push(spec, "nodes_treeids", tree), push(spec, "nodes_nodeids", id);
    push(spec, "nodes_featureids", leaf ? 0 : feature),
        push(spec, "nodes_values", leaf ? 0 : number);
    const std::int64_t yes = leaf ? 0 : next++, no = leaf ? 0 : next++;
    push(spec, "nodes_truenodeids", yes), push(spec, "nodes_falsenodeids", no);
    auto& modes = spec.attributes.try_emplace("nodes_modes", Texts()).first->second;
    std::get<Texts>(modes).emplace_back(leaf ? "LEAF" : "BRANCH_LEQ");
    if (leaf) {
        const auto target = static_cast<std::int64_t>(random() % kTargets);
        push(spec, "target_treeids", tree), push(spec, "target_nodeids", id),
            push(spec, "target_ids", target), push(spec, "target_weights", number);
        return [target, number](const float*, double* sums) {
            sums[target] += static_cast<double>(number);
        };
    }
    const Walk left = grow(spec, random, tree, yes, next, depth - 1),
               right = grow(spec, random, tree, no, next, depth - 1);
    return
        [=](const float* row, double* sums) { (row[feature] <= number ? left : right)(row, sums); };
}

Forest make_forest(unsigned seed, int trees) {
    std::mt19937 random(seed);
    Forest forest;
    forest.spec.type = "TreeEnsembleRegressor";
    forest.spec.domain = "ai.onnx.ml";
    forest.spec.label = "node 'forest' (TreeEnsembleRegressor)";
    forest.spec.opset = 1;
    forest.spec.inputs = {true};
    forest.spec.outputs = {true};
    forest.spec.attributes["n_targets"] = kTargets;
    for (int tree = 0; tree < trees; ++tree) {
        std::int64_t next = 1;
        forest.trees.push_back(grow(forest.spec, random, tree, 0, next, 6));
    }
    return forest;
}

std::string refusal(const NodeSpec& spec) {
    return make_kernel(spec).status().message();
}

TEST(TreeEnsemble, AgreesWithAPlainWalkForEveryNumberOfRows) {
    constexpr unsigned kSeed = 5;
    const Forest forest = make_forest(kSeed, 20);
    const auto kernel = make_kernel(forest.spec);
    ASSERT_TRUE(kernel.ok()) << kernel.status().to_string();
    std::mt19937 random(kSeed);
    for (const std::int64_t rows : {1, 2, 15, 16, 17, 100}) {
        SCOPED_TRACE("seed 5, rows " + std::to_string(rows));
        std::vector<float> x(static_cast<std::size_t>(rows * kFeatures));
        for (float& number : x) number = static_cast<float>(random() % 2001) / 1000 - 1;
        const Held input{{DataType::f32, Shape{rows, kFeatures}, std::as_bytes(std::span(x))},
                         nullptr};
        const Held* inputs[] = {&input};
        Memory memory(1 << 20);
        kernels::Run run(forest.spec, inputs, memory);

        ASSERT_TRUE((*kernel)(run).ok());

        for (std::int64_t row = 0; row < rows; ++row) {
            double sums[kTargets] = {};
            for (const Walk& tree : forest.trees) tree(x.data() + row * kFeatures, sums);
            for (std::int64_t t = 0; t < kTargets; ++t)
                ASSERT_FLOAT_EQ(data<float>(run.results()[0].view)[row * kTargets + t],
                                static_cast<float>(sums[t]));
        }
    }
}

TEST(TreeEnsemble, FollowsMissingValuesWhereTheNodeSays) {
    Forest forest = make_forest(1, 1);
    NodeSpec& spec = forest.spec;
    for (const char* name :
         {"nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids",
          "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids"})
        spec.attributes[name] = Integers();
    spec.attributes["nodes_treeids"] = Integers{0, 0, 0};
    spec.attributes["nodes_nodeids"] = Integers{0, 1, 2};
    spec.attributes["nodes_featureids"] = Integers{0, 0, 0};
    spec.attributes["nodes_truenodeids"] = Integers{1, 0, 0};
    spec.attributes["nodes_falsenodeids"] = Integers{2, 0, 0};
    spec.attributes["nodes_missing_value_tracks_true"] = Integers{1, 0, 0};
    spec.attributes["nodes_values"] = Floats{0, 0, 0};
    spec.attributes["nodes_modes"] = Texts{"BRANCH_GT", "LEAF", "LEAF"};
    spec.attributes["target_treeids"] = Integers{0, 0};
    spec.attributes["target_nodeids"] = Integers{1, 2};
    spec.attributes["target_ids"] = Integers{0, 0};
    spec.attributes["target_weights"] = Floats{10, 20};
    spec.attributes["n_targets"] = std::int64_t{1};
    const auto kernel = make_kernel(spec);
    ASSERT_TRUE(kernel.ok()) << kernel.status().to_string();
    const std::vector<float> x = {1, -1, std::nanf("")};
    const Held input{{DataType::f32, Shape{3, 1}, std::as_bytes(std::span(x))}, nullptr};
    const Held* inputs[] = {&input};
    Memory memory(1 << 20);
    kernels::Run run(spec, inputs, memory);

    ASSERT_TRUE((*kernel)(run).ok());

    const float* y = data<float>(run.results()[0].view);
    EXPECT_EQ(std::vector<float>(y, y + 3), (std::vector<float>{10, 20, 10}));
}

TEST(TreeEnsemble, RefusesForestsThatDoNotHangTogether) {
    const NodeSpec good = make_forest(3, 2).spec;
    const auto with = [&](const char* name, auto change) {
        NodeSpec spec = good;
        change(spec.attributes[name]);
        return refusal(spec);
    };
    const auto number = [](std::size_t i, std::int64_t value) {
        return [=](Attribute& list) { std::get<Integers>(list)[i] = value; };
    };

    EXPECT_EQ(refusal(good), "");
    EXPECT_THAT(with("nodes_truenodeids", number(0, 999)),
                testing::HasSubstr("names node 999 of tree 0, which does not exist"));
    EXPECT_THAT(with("nodes_truenodeids", number(0, 0)),
                testing::AnyOf(testing::HasSubstr("cycle"), testing::HasSubstr("two roots")));
    EXPECT_THAT(with("nodes_falsenodeids", number(0, 1)), testing::HasSubstr("two parents"));
    EXPECT_THAT(with("nodes_nodeids", number(1, 0)), testing::HasSubstr("twice"));
    EXPECT_THAT(with("nodes_featureids", number(0, -1)), testing::HasSubstr("feature -1"));
    EXPECT_THAT(
        with("nodes_featureids", [](Attribute& list) { std::get<Integers>(list).pop_back(); }),
        testing::HasSubstr("different lengths"));
    EXPECT_THAT(with("target_nodeids", number(0, 0)), testing::HasSubstr("no leaf"));
    EXPECT_THAT(with("target_ids", number(0, 5)), testing::HasSubstr("n_targets = 3"));
}

}  // namespace
}  // namespace bunch::kernels
