// Models that run node by node: what clients see of them, and that rows keep apart.
#include "backends/cpu/cpu_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include "backends/cpu/slow_layers.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using testing::HasSubstr;

using Model = std::shared_ptr<const cpu::CpuModel>;

Result<Model> load(const Network& network, bool planned = false) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("bunch-model-" + std::to_string(::getpid()) + ".onnx");
    std::ofstream(path, std::ios::binary) << onnx_bytes(network);
    cpu::CpuModelOptions options;
    options.planned = planned;
    auto model = cpu::CpuModel::load(path, options);
    std::filesystem::remove(path);
    return model;
}

std::vector<float> run(cpu::ModelSession& session, const std::vector<Tensor>& inputs,
                       Shape* shape = nullptr) {
    std::vector<ConstTensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    std::vector<float> made(1 << 16);
    const TensorView output{DataType::f32, {}, std::as_writable_bytes(std::span(made))};
    std::vector<Shape> shapes;
    const Status status = session.run(views, {&output, 1}, shapes);
    EXPECT_TRUE(status.ok()) << status.to_string();
    made.resize(status.ok() ? *shapes[0].elements() : 0);
    if (shape != nullptr && status.ok()) *shape = shapes[0];
    return made;
}

Tensor tensor_of(NetworkMaker& maker, const Extents& extents) {
    const Array array = maker.numbers(extents);
    const std::vector<float> floats(array.numbers.begin(), array.numbers.end());
    return {DataType::f32, *Shape::from(extents),
            Buffer::copy_of(std::as_bytes(std::span(floats)))};
}

Tensor row_of(const Tensor& batch, std::size_t row) {
    const std::size_t bytes = batch.buffer.size() / static_cast<std::size_t>(batch.shape[0]);
    return {batch.type, batch.shape.with_rows(1),
            Buffer::copy_of(batch.buffer.bytes().subspan(row * bytes, bytes))};
}

using Build = std::function<std::string(NetworkMaker&, const std::string& x)>;

/// A network on rows of [6,4].
Network network_of(const Build& build, NetworkMaker& maker) {
    maker.output(build(maker, maker.input({-1, 6, 4})));
    return maker.network;
}

const std::int64_t kOne = 1, kZero = 0, kTwo = 2;

std::vector<std::pair<const char*, Build>> networks_that_keep_rows() {
    return {
        {"elementwise",
         [](auto& m, auto& x) {
             return m.add("Exp", {m.add("Mul", {x, m.constant({6, 1})})});
         }},
        {"softmax",
         [](auto& m, auto& x) {
             return m.add("Softmax", {x}, {{"axis", kOne}});
         }},
        {"reduction",
         [](auto& m, auto& x) {
             return m.add("ReduceMean", {x}, {{"axes", Extents{1}}, {"keepdims", kZero}});
         }},
        {"reduction of the last",
         [](auto& m, auto& x) {
             return m.add("ReduceMax", {x}, {{"axes", Extents{-1, 1}}});
         }},
        {"transpose and back",
         [](auto& m, auto& x) {
             const std::string t = m.add("Transpose", {x}, {{"perm", Extents{1, 0, 2}}});
             return m.add("Transpose", {m.add("ReduceSum", {t, m.integers({2})})},
                          {{"perm", Extents{1, 0, 2}}});
         }},
        {"merged rows",
         [](auto& m, auto& x) {
             const std::string merged = m.add("Reshape", {x, m.integers({-1, 4})});
             return m.add("Reshape",
                          {m.add("LeakyRelu", {m.dense(merged, 4, 4)}), m.integers({-1, 6, 4})});
         }},
        {"products of rows",
         [](auto& m, auto& x) {
             return m.add("MatMul", {x, m.add("Transpose", {x}, {{"perm", Extents{0, 2, 1}}})});
         }},
        {"einsum",
         [](auto& m, auto& x) {
             return m.add("Einsum", {x, x}, {{"equation", std::string("nik,njk->nij")}});
         }},
        {"layer norm",
         [](auto& m, auto& x) {
             m.network.opset = 17;
             return m.add("LayerNormalization", {x, m.constant({4}), m.constant({4})});
         }},
        {"shape arithmetic",
         [](auto& m, auto& x) {
             const std::string n = m.add("Gather", {m.add("Shape", {x}), m.integers({0})});
             const std::string zeros = m.add(
                 "ConstantOfShape", {m.add("Concat", {n, m.integers({6, 2})}, {{"axis", kZero}})});
             return m.add("Concat", {x, zeros}, {{"axis", kTwo}});
         }},
        {"recurrent",
         [](auto& m, auto& x) {
             const std::string t = m.add("Transpose", {x}, {{"perm", Extents{1, 0, 2}}});
             const std::string y = m.add(
                 "GRU", {t, m.constant({1, 9, 4}), m.constant({1, 9, 3}), m.constant({1, 18})},
                 {{"hidden_size", std::int64_t{3}}});
             return m.add("Transpose", {m.add("Squeeze", {y, m.integers({1})})},
                          {{"perm", Extents{1, 0, 2}}});
         }},
        {"one-dimensional convolution",
         [](auto& m, auto& x) {
             return m.add("Conv", {x, m.constant({5, 6, 3}), m.constant({5})},
                          {{"pads", Extents{1, 1}}});
         }},
        {"embedding",
         [](auto& m, auto& x) {
             const std::string index = m.add("Cast", {m.add("Clip", {x, m.number(0), m.number(3)})},
                                             {{"to", std::int64_t{7}}});
             return m.add("Gather", {m.constant({4, 2}), index});
         }},
        {"neighbours",
         [](auto& m, auto& x) {
             const std::string best = m.add("ArgMax", {x}, {{"axis", kOne}});
             return m.add("GatherElements", {x, best}, {{"axis", kOne}});
         }},
        {"parts",
         [](auto& m, auto& x) {
             return m.add("Slice", {x, m.integers({5}), m.integers({-100}), m.integers({1}),
                                    m.integers({-2})});
         }},
        {"padding",
         [](auto& m, auto& x) {
             return m.add("Pad", {x, m.integers({0, 1, 0, 0, 0, 2})});
         }},
    };
}

TEST(RowsOfDifferentRequests, AreNotTouchedByTheirNeighbours) {
    for (const auto& [name, build] : networks_that_keep_rows()) {
        SCOPED_TRACE(name);
        NetworkMaker maker(7);
        const auto model = load(network_of(build, maker));
        ASSERT_TRUE(model.ok()) << model.status().to_string();
        ASSERT_TRUE((*model)->signature().batched) << (*model)->why_not_batched();
        const auto session = (*model)->open();
        ASSERT_TRUE(session.ok());
        const Tensor batch = tensor_of(maker, {5, 6, 4});

        std::vector<float> together, alone;
        {
            std::vector<Tensor> inputs;
            inputs.push_back({batch.type, batch.shape, Buffer::copy_of(batch.buffer.bytes())});
            together = run(**session, inputs);
        }
        for (std::size_t row = 0; row < 5; ++row) {
            std::vector<Tensor> inputs;
            inputs.push_back(row_of(batch, row));
            const std::vector<float> made = run(**session, inputs);
            alone.insert(alone.end(), made.begin(), made.end());
        }

        EXPECT_THAT(together, testing::Pointwise(testing::FloatNear(1e-5F), alone));
    }
}

TEST(ModelsThatMixRows, RunOneCallAtATime) {
    const std::vector<std::pair<const char*, Build>> networks = {
        {"softmax over rows",
         [](auto& m, auto& x) {
             return m.add("Softmax", {x}, {{"axis", kZero}});
         }},
        {"softmax from the rows on",
         [](auto& m, auto& x) {
             m.network.opset = 11;
             return m.add("Softmax", {x}, {{"axis", kZero}});
         }},
        {"reversed rows",
         [](auto& m, auto& x) {
             return m.add("Slice", {x, m.integers({-1}), m.integers({-1000}), m.integers({0}),
                                    m.integers({-1})});
         }},
        {"less the mean of all",
         [](auto& m, auto& x) {
             return m.add("Sub", {x, m.add("ReduceMean", {x})});
         }},
        {"sums along rows",
         [](auto& m, auto& x) {
             return m.add("CumSum", {x, m.integers({0})});
         }},
        {"sorted rows",
         [](auto& m, auto& x) {
             return m.add("ReverseSequence", {x, m.integers({1, 1, 1, 1, 1, 1})},
                          {{"batch_axis", kOne}, {"time_axis", kZero}});
         }},
        {"over their number",
         [](auto& m, auto& x) {
             const std::string n = m.add(
                 "Cast", {m.add("Gather", {m.add("Shape", {x}), m.integers({0})})}, {{"to", kOne}});
             return m.add("Div", {x, n});
         }},
        {"times half their number",
         [](auto& m, auto& x) {
             const std::string n = m.add("Gather", {m.add("Shape", {x}), m.integers({0})});
             const std::string half = m.add("Div", {n, m.integers({2})});  // 1 of 2 and of 3
             return m.add("Mul", {x, m.add("Cast", {half}, {{"to", kOne}})});
         }},
        {"times two of them at most",
         [](auto& m, auto& x) {
             const std::string n = m.add("Gather", {m.add("Shape", {x}), m.integers({0})});
             const std::string most = m.add("Min", {n, m.integers({2})});
             return m.add("Mul", {x, m.add("Cast", {most}, {{"to", kOne}})});
         }},
        {"products across rows",
         [](auto& m, auto& x) {
             const std::string t = m.add("Transpose", {x}, {{"perm", Extents{1, 0, 2}}});
             const std::string p =
                 m.add("MatMul", {t, m.add("Transpose", {t}, {{"perm", Extents{0, 2, 1}}})});
             return m.add("Transpose", {m.add("MatMul", {p, t})}, {{"perm", Extents{1, 0, 2}}});
         }},
        {"a row less of them",
         [](auto& m, auto& x) {
             return m.add("Slice", {x, m.integers({1}), m.integers({1000}), m.integers({0})});
         }},
        {"einsum over rows",
         [](auto& m, auto& x) {
             return m.add("Einsum", {x, x}, {{"equation", std::string("nik,mik->nmi")}});
         }},
        {"merged the wrong way",
         [](auto& m, auto& x) {
             const std::string t = m.add("Transpose", {x}, {{"perm", Extents{1, 0, 2}}});
             return m.add("Reshape", {t, m.integers({-1, 6, 4})});
         }},
    };
    for (const auto& [name, build] : networks) {
        SCOPED_TRACE(name);
        NetworkMaker maker(7);

        const auto model = load(network_of(build, maker));

        ASSERT_TRUE(model.ok()) << model.status().to_string();
        EXPECT_FALSE((*model)->signature().batched);
        EXPECT_NE((*model)->why_not_batched(), "");
        EXPECT_EQ((*model)->max_rows(), 1U);
    }
}

TEST(CpuModel, GivesTheSameWhetherPlannedOrNot) {
    NetworkMaker maker(3);
    const std::string x = maker.input({-1, 3, 9, 7});
    std::string y = maker.add("Relu", {maker.batch_norm(maker.convolution(x, 3, 8, 3), 8)});
    y = maker.add("Add", {maker.convolution(y, 8, 8, 3), y});
    y = maker.add("MaxPool", {y}, {{"kernel_shape", Extents{2, 2}}, {"strides", Extents{2, 2}}});
    maker.output(maker.add("Softmax", {maker.dense(maker.add("Flatten", {y}), 8 * 4 * 3, 5)}));
    const auto planned = load(maker.network, true), interpreted = load(maker.network, false);
    ASSERT_TRUE(planned.ok() && interpreted.ok()) << interpreted.status().to_string();
    ASSERT_NE((*planned)->program(), nullptr) << (*planned)->why_not_planned();
    ASSERT_EQ((*interpreted)->program(), nullptr);
    EXPECT_EQ((*planned)->signature(), (*interpreted)->signature());

    std::vector<Tensor> inputs;
    inputs.push_back(tensor_of(maker, {3, 3, 9, 7}));
    const auto first = (*planned)->open(), second = (*interpreted)->open();
    std::vector<float> a(15), b = run(**second, inputs);
    const ConstTensorView view = inputs[0].view();
    const TensorView output{DataType::f32, {3, 5}, std::as_writable_bytes(std::span(a))};
    std::vector<Shape> shapes;
    ASSERT_TRUE((*first)->run({&view, 1}, {&output, 1}, shapes).ok());

    EXPECT_THAT(a, testing::Pointwise(testing::FloatNear(1e-5F), b));
}

TEST(CpuModel, IsPlannedThoughItComputesTheShapeOfAReshape) {
    NetworkMaker maker(3);
    const std::string x = maker.input({-1, 6, 4});
    const std::string n = maker.add("Gather", {maker.add("Shape", {x}), maker.integers({0})});
    const std::string target = maker.add("Concat", {n, maker.integers({24})}, {{"axis", kZero}});
    maker.output(maker.dense(maker.add("Reshape", {x, target}), 24, 3));

    const auto model = load(maker.network, true);

    ASSERT_TRUE(model.ok()) << model.status().to_string();
    EXPECT_NE((*model)->program(), nullptr) << (*model)->why_not_planned();
}

TEST(CpuModel, TakesSequencesOfAnyLength) {
    NetworkMaker maker(3);
    const std::string x = maker.input({-1, 4, -1});
    maker.output(maker.add("AveragePool", {maker.add("Sqrt", {maker.add("Abs", {x})})},
                           {{"kernel_shape", Extents{3}}}));
    const auto model = load(maker.network);
    ASSERT_TRUE(model.ok()) << model.status().to_string();
    EXPECT_TRUE((*model)->signature().batched) << (*model)->why_not_batched();
    EXPECT_EQ((*model)->signature().outputs[0].shape, (Shape{kAnyExtent, 4, kAnyExtent}));
    const auto session = (*model)->open();

    for (const std::int64_t length : {5, 9, 5}) {
        std::vector<Tensor> inputs;
        inputs.push_back(tensor_of(maker, {2, 4, length}));
        Shape shape;
        run(**session, inputs, &shape);

        EXPECT_EQ(shape, (Shape{2, 4, length - 2}));
    }
}

TEST(CpuModel, RefusesABatchThatDoesNotFitInASentence) {
    NetworkMaker maker(3);
    maker.output(maker.add("Exp", {maker.input({-1, 4})}));
    const auto model = load(maker.network);
    const auto session = (*model)->open();
    const Tensor wide = tensor_of(maker, {2, 5}), good = tensor_of(maker, {2, 4}),
                 long_one = tensor_of(maker, {100, 4});
    std::vector<float> made(8);
    const auto message = [&](const Tensor& input, std::size_t room) {
        const ConstTensorView view = input.view();
        const TensorView output{
            DataType::f32, {}, std::as_writable_bytes(std::span(made)).first(room)};
        std::vector<Shape> shapes;
        return (*session)->run({&view, 1}, {&output, 1}, shapes).message();
    };

    EXPECT_THAT(message(wide, 32), HasSubstr("tensor 'v0' is FP32[2,5]; the model has FP32[-1,4]"));
    EXPECT_THAT(message(good, 31), HasSubstr("needs 32 bytes; there is room for 31"));
    EXPECT_THAT(message(long_one, 32), HasSubstr("at most 32"));
    EXPECT_EQ(message(good, 32), "");
}

TEST(CpuModel, RefusesAModelThatNeedsMoreMemoryThanItMay) {
    NetworkMaker maker(3);
    maker.output(maker.add("Expand", {maker.add("Exp", {maker.input({-1, 4})}),
                                      maker.integers({1 << 20, 1 << 10, 1, 1})}));

    const auto model = load(maker.network);

    EXPECT_EQ(model.status().code(), StatusCode::resource_exhausted);
    EXPECT_THAT(model.status().message(), HasSubstr("(Expand) computes a tensor of shape"));
}

TEST(CpuModel, NamesLayersThatRunInASlowReferenceImplementation) {
    NetworkMaker maker(3);
    maker.output(maker.add("Softmax", {maker.input({-1, 64, 56, 56})}, {{"axis", kOne}}));

    const auto model = load(maker.network, true);

    ASSERT_TRUE(model.ok()) << model.status().to_string();
    ASSERT_NE((*model)->program(), nullptr) << (*model)->why_not_planned();
    EXPECT_THAT(cpu::slow_layers(*(*model)->program()),
                testing::ElementsAre(HasSubstr("(Softmax)")));
}

TEST(SlowLayers, AreToldByTheirElementsInIntegersToo) {
    using dnnl::memory;

    for (const auto type : {memory::data_type::f32, memory::data_type::bf16, memory::data_type::u8})
        EXPECT_EQ(cpu::elements_of({{2, 3, 5}, type, memory::format_tag::abc}), 30U);
}

// What a NaN in a request becomes. Planned layers may turn it into a bound, see docs/CPU.md.
TEST(NotANumber, IsKeptByActivationsNodeByNodeAndStaysInItsRow) {
    for (const bool planned : {false, true}) {
        SCOPED_TRACE(planned ? "planned" : "node by node");
        NetworkMaker maker(3);
        maker.output(maker.add("Clip", {maker.add("Relu", {maker.input({-1, 6, 4})}),
                                        maker.number(0), maker.number(6)}));
        const auto model = load(maker.network, planned);
        ASSERT_TRUE(model.ok()) << model.status().to_string();
        std::vector<float> given(2 * 24, 1);
        given[5] = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> made(given.size());
        const Shape shape{2, 6, 4};
        const ConstTensorView input(DataType::f32, shape, std::as_bytes(std::span(given)));
        const TensorView output{DataType::f32, shape, std::as_writable_bytes(std::span(made))};
        std::vector<Shape> shapes;

        const Status status = (*(*model)->open())->run({&input, 1}, {&output, 1}, shapes);

        ASSERT_TRUE(status.ok()) << status.to_string();
        EXPECT_TRUE(std::isnan(made[5]) || (planned && made[5] == 0)) << made[5];
        made[5] = 1;
        EXPECT_EQ(made, std::vector<float>(2 * 24, 1));
    }
}

TEST(CpuModel, AddsARowOfAMatrixToTheProductOfAVector) {
    NetworkMaker maker(3);
    maker.output(maker.add("Add", {maker.add("MatMul", {maker.input({4}), maker.constant({4, 3})}),
                                   maker.constant({1, 3})}));
    const auto model = load(maker.network);
    ASSERT_TRUE(model.ok()) << model.status().to_string();
    std::vector<Tensor> inputs;
    inputs.push_back(tensor_of(maker, {4}));
    Shape shape;

    run(**(*model)->open(), inputs, &shape);

    EXPECT_EQ(shape, (Shape{1, 3}));
}

TEST(CpuModel, MakesTheSameOfEinsumAsPlainLoopsDo) {
    const std::pair<const char*, std::pair<Extents, Extents>> cases[] = {
        {"bhid,bhjd->bhij", {{2, 3, 5, 7}, {2, 3, 4, 7}}},
        {"bij,bjk->bik", {{2, 3, 4}, {2, 4, 5}}},
        {"bij,bjk->kib", {{2, 3, 4}, {2, 4, 5}}},
        {"...ij,jk->...ik", {{2, 3, 4, 5}, {5, 2}}},
        {"bij,bij->b", {{2, 3, 4}, {2, 3, 4}}},
        {"bi,bj", {{2, 3}, {2, 4}}},
        {"bij,k->bjik", {{2, 3, 4}, {5}}},
        {"bii,bi->bi", {{2, 3, 3}, {2, 3}}},
        {"bij,bk->bk", {{2, 3, 4}, {2, 5}}},
        {"bij,bjk->bik", {{2, 3, 4}, {1, 4, 5}}}};
    for (const auto& [equation, extents] : cases) {
        SCOPED_TRACE(equation);
        NetworkMaker maker(5);
        const std::string x = maker.input(extents.first);
        maker.output(maker.add("Einsum", {x, maker.constant(extents.second)},
                               {{"equation", std::string(equation)}}));
        std::vector<Tensor> inputs;
        inputs.push_back(tensor_of(maker, extents.first));
        const std::string bytes = onnx_bytes(maker.network);
        const auto graph = parse_operator_graph(std::as_bytes(std::span(bytes)), {});
        ASSERT_TRUE(graph.ok()) << graph.status().to_string();
        std::vector<std::vector<float>> made;
        for (const bool fast : {true, false}) {
            cpu::InterpreterOptions options;
            options.fast = fast;
            const auto interpreter = cpu::Interpreter::prepare(*graph, options);
            ASSERT_TRUE(interpreter.ok()) << interpreter.status().to_string();
            const ConstTensorView view = std::as_const(inputs[0]).view();
            const auto outputs = (*interpreter)->run({&view, 1});
            ASSERT_TRUE(outputs.ok()) << outputs.status().to_string();
            std::vector<float>& numbers = made.emplace_back((*outputs)[0].view.bytes.size() / 4);
            std::memcpy(numbers.data(), (*outputs)[0].view.bytes.data(), numbers.size() * 4);
        }
        EXPECT_THAT(made[0], testing::Pointwise(testing::FloatNear(1e-5F), made[1]));
    }
}

TEST(CpuModel, RunsWithWeightsThatAreNotFinite) {
    NetworkMaker maker(3);
    maker.output(maker.add("Add", {maker.input({-1, 2}), maker.constant({2})}));
    maker.network.constants.begin()->second.numbers[1] = std::numeric_limits<double>::quiet_NaN();

    const auto model = load(maker.network, true);

    ASSERT_TRUE(model.ok()) << model.status().to_string();
    EXPECT_EQ((*model)->operators().not_finite.size(), 1U);
    std::vector<Tensor> inputs;
    inputs.push_back(tensor_of(maker, {1, 2}));
    const auto session = (*model)->open();
    const std::vector<float> made = run(**session, inputs);
    EXPECT_TRUE(std::isfinite(made[0]));
    EXPECT_TRUE(std::isnan(made[1]));
}

}  // namespace
}  // namespace bunch::test_network
