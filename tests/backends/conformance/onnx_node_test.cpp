// Every node test of ONNX against the interpreter, as Debian's libonnx-testdata has them. Run
// onnx_node_test itself to see passed, failed and outside scope for each operator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "backends/cpu/cpu_model.h"
#include "backends/cpu/interpreter.h"
#include "backends/cpu/model_probe.h"
#include "backends/cpu/threads.h"
#include "backends/graph/operator_graph.h"
#include "tests/backends/conformance/node_case.h"
#include "tests/backends/conformance/node_scope.h"

namespace bunch::conformance {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

struct Tally {
    int passed = 0, failed = 0, outside = 0;
};

class OnnxNodes : public testing::Test {
  protected:
    void SetUp() override {
        const std::filesystem::path folder =
            std::filesystem::path(BUNCH_ONNX_TESTDATA) / "data/node";
        if (!std::filesystem::is_directory(folder))
            GTEST_SKIP()
                << "the node tests of ONNX are not installed (Debian package libonnx-testdata)";
        cpu::use_one_thread();
        cases_ = read_node_cases(folder);
        rules_ = read_rules(BUNCH_NODE_SCOPE "/outside.txt");
        failing_ = read_rules(BUNCH_NODE_SCOPE "/failing.txt");
    }

    /// Empty if the case passes, else why not.
    static std::string problem_of(const NodeCase& node_case, bool fast) {
        if (!node_case.unreadable.ok()) return node_case.unreadable.message();
        const auto graph = parse_operator_graph(std::as_bytes(std::span(node_case.model)), {});
        if (!graph.ok()) return graph.status().message();
        cpu::InterpreterOptions options;
        options.fast = fast;
        const auto interpreter = cpu::Interpreter::prepare(*graph, options);
        if (!interpreter.ok()) return interpreter.status().message();
        std::vector<ConstTensorView> inputs;
        for (const Tensor& input : node_case.inputs) inputs.push_back(input.view());
        const auto outputs = (*interpreter)->run(inputs);
        if (!outputs.ok()) return outputs.status().message();
        if (outputs->size() != node_case.outputs.size()) return "other outputs";
        for (std::size_t i = 0; i < outputs->size(); ++i) {
            const std::string difference =
                conformance::difference((*outputs)[i].view, node_case.outputs[i].view());
            if (!difference.empty()) return "output " + std::to_string(i) + ": " + difference;
        }
        return "";
    }

    static void print_table(const std::map<std::string, Tally>& table) {
        std::printf("%-60s %6s %6s %7s\n", "operator", "passed", "failed", "outside");
        for (const auto& [name, tally] : table)
            std::printf("%-60s %6d %6d %7d\n", name.c_str(), tally.passed, tally.failed,
                        tally.outside);
    }

    void run_all(bool fast) {
        std::map<std::string, Tally> table;
        Tally total;
        for (const NodeCase& node_case : cases_) {
            Tally& tally = table[node_case.operators];
            if (rule_for(rules_, node_case) != nullptr) {
                ++tally.outside, ++total.outside;
                continue;
            }
            const std::string problem = problem_of(node_case, fast);
            const OutsideRule* expected = rule_for(failing_, node_case);
            EXPECT_EQ(problem.empty(), expected == nullptr) << node_case.name << ": " << problem;
            if (!problem.empty())
                std::printf("failed: %s: %s\n", node_case.name.c_str(), problem.c_str());
            problem.empty() ? (++tally.passed, ++total.passed) : (++tally.failed, ++total.failed);
        }
        print_table(table);
        std::printf("%d passed, %d failed, %d outside scope\n", total.passed, total.failed,
                    total.outside);
        EXPECT_GE(total.passed, (total.passed + total.failed) * 9 / 10);
        EXPECT_GT(total.passed, 600);
    }

    std::vector<NodeCase> cases_;
    std::vector<OutsideRule> rules_, failing_;
};

TEST_F(OnnxNodes, PassOrAreListedWithAReason) {
    run_all(true);
}

TEST_F(OnnxNodes, PassOnPlainLoopsToo) {
    run_all(false);
}

/// The file of `node_case` with all inputs but `kept` as constants: so most layers get their
/// weights as models have them, and plans are made.
std::string with_constants(const NodeCase& node_case, std::size_t kept) {
    onnx::ModelProto model;
    if (!model.ParseFromString(node_case.model)) return "";
    onnx::GraphProto& graph = *model.mutable_graph();
    const auto inputs = graph.input();
    graph.clear_input();
    for (int i = 0; i < inputs.size(); ++i) {
        const auto place = static_cast<std::size_t>(i);
        if (place == kept || place >= node_case.inputs.size()) {
            *graph.add_input() = inputs[i];
            continue;
        }
        const Tensor& tensor = node_case.inputs[place];
        onnx::TensorProto& constant = *graph.add_initializer();
        constant.set_name(inputs[i].name());
        constant.set_data_type(inputs[i].type().tensor_type().elem_type());
        for (const std::int64_t extent : tensor.shape.extents()) constant.add_dims(extent);
        const auto bytes = tensor.buffer.bytes();
        constant.set_raw_data(bytes.data(), bytes.size());
    }
    return model.SerializeAsString();
}

/// Runs `node_case` as a model that has one input; empty if it gives what it should.
std::string problem_as_model(const NodeCase& node_case, std::size_t kept, bool& planned) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("bunch-node-" + std::to_string(::getpid()) + ".onnx");
    std::ofstream(path, std::ios::binary) << with_constants(node_case, kept);
    cpu::CpuModelOptions options;
    options.max_rows = 8;
    const auto model = cpu::CpuModel::load(path, options);
    std::filesystem::remove(path);
    if (!model.ok()) return model.status().message();
    planned = (*model)->program() != nullptr;
    const auto session = (*model)->open();
    if (!session.ok()) return session.status().message();
    if ((*model)->signature().outputs.size() != node_case.outputs.size()) return "other outputs";
    std::vector<Tensor> made;
    std::vector<TensorView> views;
    for (const Tensor& output : node_case.outputs)
        made.push_back({output.type, output.shape, Buffer::allocate(output.buffer.size() + 4096)});
    for (std::size_t i = 0; i < made.size(); ++i) {
        views.push_back(made[i].view());
        views[i].bytes = views[i].bytes.first(planned ? node_case.outputs[i].buffer.size()
                                                      : views[i].bytes.size());
    }
    const ConstTensorView input = std::as_const(node_case.inputs[kept]).view();
    std::vector<Shape> shapes;
    const Status status = (*session)->run({&input, 1}, views, shapes);
    if (!status.ok()) return status.message();
    for (std::size_t i = 0; i < made.size(); ++i) {
        const TensorSpec& spec = (*model)->signature().outputs[i];
        const ConstTensorView actual(
            spec.type, shapes[i],
            std::as_const(made[i]).view().bytes.first(byte_size(spec.type, shapes[i]).value_or(0)));
        const std::string difference = conformance::difference(actual, node_case.outputs[i].view());
        if (!difference.empty()) return "output " + std::to_string(i) + ": " + difference;
    }
    return "";
}

// What depends on the numbers of the kept input has no place in a signature, and is refused.
bool is_refused(const std::string& problem) {
    return problem.find("has a shape that depends on the data") != std::string::npos;
}

TEST_F(OnnxNodes, PassAsModelsOfOneInputWithTheOthersAsWeights) {
    int passed = 0, planned = 0;
    for (const NodeCase& node_case : cases_) {
        if (!node_case.unreadable.ok() || node_case.inputs.size() < 2 ||
            rule_for(rules_, node_case) != nullptr || rule_for(failing_, node_case) != nullptr)
            continue;
        const auto is_float = [](const Tensor& t) { return t.type == DataType::f32; };
        const auto first = std::find_if(node_case.inputs.begin(), node_case.inputs.end(), is_float);
        const auto kept = first == node_case.inputs.end() ? 0 : first - node_case.inputs.begin();
        // An extent of 0 is open to a model, and a call has a row at least.
        if (node_case.inputs[static_cast<std::size_t>(kept)].buffer.size() == 0) continue;
        bool has_plan = false;

        const std::string problem =
            problem_as_model(node_case, static_cast<std::size_t>(kept), has_plan);

        EXPECT_TRUE(problem.empty() || is_refused(problem)) << node_case.name << ": " << problem;
        passed += problem.empty() ? 1 : 0;
        planned += problem.empty() && has_plan ? 1 : 0;
    }
    std::printf("%d passed, %d of them with a plan\n", passed, planned);
    EXPECT_GT(passed, 300);
    EXPECT_GT(planned, 30);
}

TEST_F(OnnxNodes, OutsideScopeAreRefusedInASentence) {
    for (const NodeCase& node_case : cases_) {
        const OutsideRule* rule = rule_for(rules_, node_case);
        if (rule == nullptr) continue;

        const auto run = [&] {
            NodeCase readable;
            readable.model = node_case.model;
            for (const Tensor& input : node_case.inputs)
                readable.inputs.push_back(
                    {input.type, input.shape, Buffer::copy_of(input.buffer.bytes())});
            return problem_of(readable, true);
        };

        EXPECT_THAT(run(), AnyOf(HasSubstr("not supported"), HasSubstr("is supported only"),
                                 HasSubstr("is no tensor"), HasSubstr("neither numbers nor bool")))
            << node_case.name;
    }
}

TEST_F(OnnxNodes, SpoiltFilesEndInASentence) {
    cpu::InterpreterOptions options;
    options.memory_limit = 1 << 22;
    int read = 0;
    for (std::size_t i = 0; i < cases_.size(); ++i)
        for (unsigned seed = 1; seed <= 40; ++seed) {
            SCOPED_TRACE(cases_[i].name + ", seed " + std::to_string(seed));
            std::mt19937 random(static_cast<unsigned>(i) * 100 + seed);
            std::string spoilt = cases_[i].model;
            for (unsigned k = 0; k < 1 + seed % 4; ++k)
                spoilt[random() % spoilt.size()] = static_cast<char>(random());

            const auto graph = parse_operator_graph(std::as_bytes(std::span(spoilt)), {}, 1 << 20);
            if (!graph.ok()) {
                EXPECT_NE(graph.status().message(), "");
                continue;
            }
            ++read;
            options.fast = seed % 2 == 0;
            const auto probe = cpu::probe_model(*graph, options);
            EXPECT_TRUE(probe.ok() || !probe.status().message().empty());
        }
    EXPECT_GT(read, 1000);
}

TEST_F(OnnxNodes, ListedAsOutsideOrFailingHaveAReasonAndExist) {
    for (const NodeCase& node_case : cases_) {
        rule_for(rules_, node_case);
        rule_for(failing_, node_case);
    }

    for (const auto* rules : {&rules_, &failing_})
        for (const OutsideRule& rule : *rules) {
            EXPECT_NE(rule.reason, "") << rule.pattern;
            EXPECT_GT(rule.used, 0) << "'" << rule.pattern << "' fits no case";
        }
}

}  // namespace
}  // namespace bunch::conformance
