// bunch-cpu-run: one model on one thread, without daemon or runner. Reads and writes .npy files,
// and says how fast it was.
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/program.h"
#include "backends/graph/onnx_reader.h"
#include "backends/graph/passes.h"
#include "core/time.h"
#include "npy/npy.h"

namespace bunch::cpu_test {
namespace {

struct Arguments {
    std::string model, input, output;
    std::uint32_t batch = 0;  // 0: the rows of the input
    int repeat = 1;
    std::int64_t micro_rows = 0;
    bool json = false, no_winograd = false, unfused = false, no_mlp = false, steps = false;
};

using Run = std::function<Status(const ConstTensorView&, const TensorView&)>;

// A model that can run, by whichever way the arguments ask for.
struct Executor {
    ModelSignature signature;
    Run run;
};

// As a runner does it.
Result<Executor> through_lane(const Arguments& arguments) {
    BUNCH_ASSIGN_OR_RETURN(std::shared_ptr<Backend> backend, make_cpu_backend({{"lanes", "1"}}));
    ModelSpec spec;
    spec.name = spec.path = arguments.model;
    spec.max_batch_rows = arguments.batch;
    BUNCH_ASSIGN_OR_RETURN(LoadedModel loaded, backend->load(ModelId{0}, spec));
    BUNCH_ASSIGN_OR_RETURN(std::shared_ptr<Lane> lane, backend->open_lane(0, {}));
    return Executor{
        loaded.signature, [backend, lane](const ConstTensorView& x, const TensorView& y) {
            BUNCH_RETURN_IF_ERROR(lane->submit(SlotId{0}, ModelId{0}, {&x, 1}, {&y, 1}));
            return lane->wait(kNever)->status;
        }};
}

void print_steps(const cpu::Program& program) {
    for (const cpu::Plan& plan : program.plans()) {
        std::printf("plan for %lld rows: arena %zu KiB, scratch %zu KiB\n",
                    static_cast<long long>(plan.rows), plan.arena_bytes / 1024,
                    plan.scratch_bytes / 1024);
        for (const cpu::Step& step : plan.steps)
            std::printf("    %s\n", cpu::description_of(step).c_str());
    }
    std::printf("weights %zu KiB\n", program.weight_bytes() / 1024);
}

// With the planner's choices in our hands.
Result<Executor> through_session(const Arguments& arguments) {
    BUNCH_ASSIGN_OR_RETURN(Graph graph, read_onnx(arguments.model));
    if (!arguments.unfused) simplify(graph);
    cpu::ProgramOptions options;
    options.micro_rows = arguments.micro_rows;
    options.planner.winograd = !arguments.no_winograd;
    options.planner.fused_mlp = !arguments.no_mlp && !arguments.unfused;
    BUNCH_ASSIGN_OR_RETURN(const auto program,
                           cpu::Program::prepare(graph, arguments.batch, options));
    if (arguments.steps) print_steps(*program);
    BUNCH_ASSIGN_OR_RETURN(std::shared_ptr<cpu::Session> session, cpu::Session::open(program));
    return Executor{program->signature(), [session](const ConstTensorView& x, const TensorView& y) {
                        return session->run({&x, 1}, {&y, 1});
                    }};
}

Tensor make_tensor(const TensorSpec& spec, bool batched, std::uint32_t rows) {
    const Shape shape = batched ? spec.shape.with_rows(rows) : spec.shape;
    return {spec.type, shape, Buffer::allocate(*byte_size(spec.type, shape))};
}

void fill_normal(Tensor& tensor) {
    constexpr unsigned kSeed = 1;
    std::fprintf(stderr, "input: normal numbers, seed %u\n", kSeed);
    std::mt19937 random(kSeed);
    std::normal_distribution<float> normal;
    auto* numbers = reinterpret_cast<float*>(tensor.buffer.bytes().data());
    std::generate_n(numbers, tensor.buffer.size() / sizeof(float), [&] { return normal(random); });
}

// What this thread computed, however often others took its core away.
double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median_of(std::vector<double>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    return numbers[numbers.size() / 2];
}

void report(const Arguments& arguments, double load_seconds, std::vector<double> seconds,
            std::vector<double> processor) {
    const double median = median_of(seconds);
    const double median_processor = median_of(processor);
    const double rows_per_second = arguments.batch / median;
    if (arguments.json) {
        const nlohmann::json object = {
            {"batch", arguments.batch},          {"repeat", arguments.repeat},
            {"load_seconds", load_seconds},      {"median_seconds", median},
            {"min_seconds", seconds.front()},    {"median_processor_seconds", median_processor},
            {"rows_per_second", rows_per_second}};
        std::printf("%s\n", object.dump().c_str());
    } else {
        std::printf(
            "batch %u: median %.3f us, best %.3f us, %.6g rows/s; processor time %.3f us, "
            "%.6g rows/s; load %.2f s\n",
            arguments.batch, median * 1e6, seconds.front() * 1e6, rows_per_second,
            median_processor * 1e6, arguments.batch / median_processor, load_seconds);
    }
}

// Calls of the same batch take their time together until it can be measured.
Status measure(const Executor& executor, const Arguments& arguments, double load_seconds,
               const Tensor& x, Tensor& y) {
    const TensorView output = y.view();
    BUNCH_RETURN_IF_ERROR(executor.run(x.view(), output));
    const TimePoint first = now();
    BUNCH_RETURN_IF_ERROR(executor.run(x.view(), output));
    const double once = to_seconds(now() - first);
    const int calls = std::max(1, static_cast<int>(1e-4 / std::max(once, 1e-8)));
    std::vector<double> seconds, processor;
    for (int i = 0; i < arguments.repeat; ++i) {
        const TimePoint begin = now();
        const double used = processor_seconds();
        for (int call = 0; call < calls; ++call)
            BUNCH_RETURN_IF_ERROR(executor.run(x.view(), output));
        processor.push_back((processor_seconds() - used) / calls);
        seconds.push_back(to_seconds(now() - begin) / calls);
    }
    report(arguments, load_seconds, std::move(seconds), std::move(processor));
    return ok_status();
}

Status run(Arguments arguments) {
    Tensor x;
    if (!arguments.input.empty()) {
        BUNCH_ASSIGN_OR_RETURN(x, read_npy(arguments.input));
        if (x.shape.rank() > 0) arguments.batch = static_cast<std::uint32_t>(x.shape[0]);
    }
    arguments.batch = std::max(arguments.batch, 1U);
    const bool plain = !arguments.steps && !arguments.no_winograd && !arguments.unfused &&
                       !arguments.no_mlp && arguments.micro_rows == 0;
    const TimePoint begin = now();
    BUNCH_ASSIGN_OR_RETURN(const Executor executor,
                           plain ? through_lane(arguments) : through_session(arguments));
    const double load_seconds = to_seconds(now() - begin);
    const ModelSignature& signature = executor.signature;
    if (signature.inputs.size() != 1 || signature.outputs.size() != 1)
        return unimplemented("bunch-cpu-run runs models of one input and one output");
    if (arguments.input.empty()) {
        x = make_tensor(signature.inputs[0], signature.batched, arguments.batch);
        fill_normal(x);
    }
    Tensor y = make_tensor(signature.outputs[0], signature.batched, arguments.batch);
    BUNCH_RETURN_IF_ERROR(measure(executor, arguments, load_seconds, x, y));
    return arguments.output.empty() ? ok_status() : write_npy(arguments.output, y.view());
}

}  // namespace
}  // namespace bunch::cpu_test

int main(int argc, char** argv) {
    CLI::App app("Runs an ONNX model on one CPU thread and says how fast.");
    bunch::cpu_test::Arguments arguments;
    app.add_option("model", arguments.model, "ONNX file")->required();
    app.add_option("--input", arguments.input, ".npy file; without it, random numbers");
    app.add_option("--output", arguments.output, ".npy file to write");
    app.add_option("--batch", arguments.batch, "rows, where there is no --input");
    app.add_option("--repeat", arguments.repeat, "measurements")->check(CLI::Range(1, 1000000));
    app.add_option("--micro-rows", arguments.micro_rows, "rows of the largest plan");
    app.add_flag("--json", arguments.json, "one object instead of one line");
    app.add_flag("--no-winograd", arguments.no_winograd, "direct convolutions only");
    app.add_flag("--no-mlp", arguments.no_mlp, "oneDNN for small dense layers too");
    app.add_flag("--unfused", arguments.unfused, "the graph as the file has it");
    app.add_flag("--steps", arguments.steps, "list the prepared steps");
    CLI11_PARSE(app, argc, argv);
    const bunch::Status status = bunch::cpu_test::run(arguments);
    if (!status.ok()) std::fprintf(stderr, "bunch-cpu-run: %s\n", status.to_string().c_str());
    return status.ok() ? 0 : 1;
}
