// Corners of operators that ONNX's own node tests leave out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "backends/kernels/element.h"
#include "backends/kernels/halves.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

NodeSpec node(const char* type, std::int64_t opset, std::size_t inputs = 1) {
    NodeSpec spec;
    spec.type = type;
    spec.label = std::string("node '") + type + "'";
    spec.opset = opset;
    spec.inputs.assign(inputs, true);
    spec.outputs = {true};
    return spec;
}

template <typename T>
constexpr DataType data_type_of() {
    return std::is_same_v<T, double> ? DataType::f64 : DataType::f32;
}

template <typename T>
Held held(const Shape& shape, const std::vector<T>& numbers) {
    return {{data_type_of<T>(), shape, std::as_bytes(std::span(numbers))}, nullptr};
}

/// Output 0, as elements of type T.
template <typename T>
std::vector<T> run(const NodeSpec& spec, const std::vector<Held>& inputs) {
    const auto kernel = make_kernel(spec);
    EXPECT_TRUE(kernel.ok()) << kernel.status().to_string();
    if (!kernel.ok()) return {};
    std::vector<const Held*> views;
    for (const Held& input : inputs) views.push_back(&input);
    Memory memory(1 << 20);
    kernels::Run made(spec, views, memory);
    const Status status = (*kernel)(made);
    EXPECT_TRUE(status.ok()) << status.to_string();
    if (!status.ok()) return {};
    const auto bytes = made.results()[0].view.bytes;
    std::vector<T> result(bytes.size() / sizeof(T));
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
}

TEST(Pad, BeforeOpset11WritesItsValueInEveryType) {
    NodeSpec spec = node("Pad", 9);
    spec.attributes["pads"] = Integers{1, 0};
    spec.attributes["value"] = 2.5F;
    const std::vector<float> f32{7};
    const std::vector<double> f64{7};
    const std::vector<std::uint16_t> f16{f16_from_float(7)}, bf16{bf16_from_float(7)};
    const auto halves = [](DataType type, const std::vector<std::uint16_t>& numbers) {
        return Held{{type, Shape{1}, std::as_bytes(std::span(numbers))}, nullptr};
    };

    EXPECT_THAT(run<float>(spec, {held(Shape{1}, f32)}), ElementsAre(2.5F, 7));
    EXPECT_THAT(run<double>(spec, {held(Shape{1}, f64)}), ElementsAre(2.5, 7));
    EXPECT_THAT(run<std::uint16_t>(spec, {halves(DataType::f16, f16)}),
                ElementsAre(f16_from_float(2.5F), f16[0]));
    EXPECT_THAT(run<std::uint16_t>(spec, {halves(DataType::bf16, bf16)}),
                ElementsAre(bf16_from_float(2.5F), bf16[0]));
}

TEST(Attributes, MayBeInfiniteWhereTheyAreBounds) {
    NodeSpec clip = node("Clip", 7);
    clip.attributes["min"] = 0.0F;
    clip.attributes["max"] = kInfinity;
    NodeSpec constant = node("Constant", 13, 0);
    constant.attributes["value_float"] = -kInfinity;
    const std::vector<float> x{-1, 3};

    EXPECT_THAT(run<float>(clip, {held(Shape{2}, x)}), ElementsAre(0, 3));
    EXPECT_THAT(run<float>(constant, {}), ElementsAre(-kInfinity));
    clip.attributes["max"] = kNan;
    EXPECT_THAT(make_kernel(clip).status().message(),
                testing::HasSubstr("'max' is not a finite number"));
}

TEST(LayerNormalization, StretchesItsScaleOverTheAxesThatItNormalises) {
    NodeSpec spec = node("LayerNormalization", 17, 3);
    spec.attributes["axis"] = std::int64_t{1};
    const std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 9}, scale{1, 10}, shift{100};
    std::vector<float> full_scale, full_shift(4, 100);
    for (int i = 0; i < 4; ++i) full_scale.push_back(i % 2 == 0 ? 1.0F : 10.0F);

    const auto stretched =
        run<float>(spec, {held(Shape{2, 2, 2}, x), held(Shape{2}, scale), held(Shape{1}, shift)});

    EXPECT_EQ(stretched, run<float>(spec, {held(Shape{2, 2, 2}, x), held(Shape{2, 2}, full_scale),
                                           held(Shape{2, 2}, full_shift)}));
}

TEST(MaxPool, PassesOverNaN) {
    NodeSpec spec = node("MaxPool", 12);
    spec.attributes["kernel_shape"] = Integers{2};
    spec.attributes["strides"] = Integers{2};
    const std::vector<float> x{kNan, 1, 2, kNan, -kInfinity, -kInfinity, kNan, kNan};

    const auto made = run<float>(spec, {held(Shape{1, 1, 8}, x)});

    EXPECT_THAT(made, ElementsAre(1, 2, -kInfinity, std::numeric_limits<float>::lowest()));
}

TEST(BatchNormalization, KeepsDigitsFarFromZero) {
    NodeSpec spec = node("BatchNormalization", 9, 5);
    spec.attributes["epsilon"] = 0.0F;
    const std::vector<float> x{10001, 9999.5F}, scale{0.3F}, shift{0.25F}, mean{10000}, variance{2};

    const auto made =
        run<float>(spec, {held(Shape{2, 1}, x), held(Shape{1}, scale), held(Shape{1}, shift),
                          held(Shape{1}, mean), held(Shape{1}, variance)});

    EXPECT_THAT(made, ElementsAre(testing::FloatNear(0.4621320F, 1e-6F),
                                  testing::FloatNear(0.1439340F, 1e-6F)));
}

NodeSpec two_classes(const char* transform, const Floats& weights, std::int64_t known) {
    NodeSpec spec = node("TreeEnsembleClassifier", 1);
    spec.domain = "ai.onnx.ml";
    spec.outputs = {true, true};
    spec.attributes["nodes_treeids"] = Integers{0, 0, 0};
    spec.attributes["nodes_nodeids"] = Integers{0, 1, 2};
    spec.attributes["nodes_featureids"] = Integers{0, 0, 0};
    spec.attributes["nodes_values"] = Floats{0, 0, 0};
    spec.attributes["nodes_modes"] = Texts{"BRANCH_LEQ", "LEAF", "LEAF"};
    spec.attributes["nodes_truenodeids"] = Integers{1, 0, 0};
    spec.attributes["nodes_falsenodeids"] = Integers{2, 0, 0};
    spec.attributes["class_treeids"] = Integers{0, 0};
    spec.attributes["class_nodeids"] = Integers{1, 2};
    spec.attributes["class_ids"] = Integers{known, known};
    spec.attributes["class_weights"] = weights;
    spec.attributes["classlabels_int64s"] = Integers{0, 1};
    spec.attributes["post_transform"] = std::string(transform);
    return spec;
}

// See docs/CPU.md: ONNX leaves open what the other class gets, and ONNX Runtime decides by the
// signs of all weights.
TEST(TreesOfTwoClasses, ThatKnowOneGiveTheOtherWhatIsLeft) {
    const std::vector<float> x{-1, 1};
    for (const std::int64_t known : {0, 1}) {
        SCOPED_TRACE(known);
        const auto scores = [&](const char* transform, const Floats& weights) {
            NodeSpec spec = two_classes(transform, weights, known);
            const auto kernel = make_kernel(spec);
            EXPECT_TRUE(kernel.ok()) << kernel.status().to_string();
            const Held input = held(Shape{2, 1}, x);
            const Held* inputs[] = {&input};
            Memory memory(1 << 20);
            kernels::Run made(spec, inputs, memory);
            EXPECT_TRUE((*kernel)(made).ok());
            std::vector<float> numbers;
            for (int row = 0; row < 2; ++row) {
                const float* pair = data<float>(made.results()[1].view) + 2 * row;
                EXPECT_EQ(data<std::int64_t>(made.results()[0].view)[row], pair[1] > pair[0]);
                numbers.insert(numbers.end(), pair, pair + 2);
            }
            return numbers;
        };

        EXPECT_THAT(scores("NONE", {-0.5F, 0.75F}), ElementsAre(1.5F, -0.5F, 0.25F, 0.75F));
        const float p = 1 / (1 + std::exp(-0.25F));
        EXPECT_THAT(
            scores("LOGISTIC", {0.25F, -0.25F}),
            testing::Pointwise(testing::FloatNear(1e-6F), std::vector<float>{1 - p, p, p, 1 - p}));
    }
}

}  // namespace
}  // namespace bunch::kernels
