// `bunch model bench`: time per batch for each number of rows and threads, and per layer.
#include <algorithm>
#include <cstdio>
#include <latch>
#include <nlohmann/json.hpp>
#include <thread>

#include "backends/cpu/model_commands.h"
#include "backends/cpu/threads.h"

namespace bunch::cpu {
namespace {

double median_of(std::vector<double> numbers) {
    std::sort(numbers.begin(), numbers.end());
    return numbers[numbers.size() / 2];
}

/// What one thread found.
struct Measured {
    Status status;
    std::vector<double> seconds;  ///< per batch
    std::vector<LayerTime> layers;
};

// Calls of one measurement take their time together until it can be measured.
Status measure(ModelSession& session, ModelBatch& batch, const ModelArguments& arguments,
               std::latch& ready, Measured& measured) {
    std::vector<Shape> shapes;
    const auto once = [&] { return session.run(batch.input_views, batch.output_views, shapes); };
    Status status = once();
    const TimePoint first = now();
    if (status.ok()) status = once();
    const double seconds = std::max(1e-8, to_seconds(now() - first));
    ready.arrive_and_wait();
    BUNCH_RETURN_IF_ERROR(status);
    const int calls = std::max(1, static_cast<int>(1e-3 / seconds));
    if (arguments.profile) session.record_times();
    for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
        const TimePoint begin = now();
        for (int call = 0; call < calls; ++call) BUNCH_RETURN_IF_ERROR(once());
        measured.seconds.push_back(to_seconds(now() - begin) / calls);
    }
    if (!arguments.profile) return ok_status();
    measured.layers = session.layer_times();
    for (LayerTime& layer : measured.layers)
        layer.time /= calls * static_cast<std::int64_t>(arguments.repeat);
    return ok_status();
}

void run_thread(const CpuModel& model, std::uint32_t rows, const ModelArguments& arguments,
                std::latch& ready, Measured& measured) {
    use_one_thread();
    ModelBatch batch;
    Status status = make_batch(model.signature(), rows, arguments.length, batch);
    Result<std::unique_ptr<ModelSession>> session = model.open();
    if (status.ok()) status = session.status();
    if (!status.ok()) {
        ready.count_down();
        measured.status = status;
        return;
    }
    measured.status = measure(**session, batch, arguments, ready, measured);
}

void print_layers(const std::vector<LayerTime>& layers) {
    double total = 0;
    for (const LayerTime& layer : layers) total += to_seconds(layer.time);
    for (const LayerTime& layer : layers)
        std::printf("    %10.1f us %5.1f%%  %s\n", 1e6 * to_seconds(layer.time),
                    100 * to_seconds(layer.time) / std::max(total, 1e-12), layer.layer.c_str());
}

Status bench_once(const CpuModel& model, std::uint32_t rows, std::uint32_t threads,
                  const ModelArguments& arguments, nlohmann::json& list) {
    std::vector<Measured> measured(threads);
    std::latch ready(threads);
    {
        std::vector<std::jthread> running;
        for (Measured& one : measured)
            running.emplace_back([&] { run_thread(model, rows, arguments, ready, one); });
    }
    double batches_per_second = 0;
    for (const Measured& one : measured) {
        BUNCH_RETURN_IF_ERROR(one.status);
        batches_per_second += 1 / median_of(one.seconds);
    }
    const double milliseconds = 1e3 * median_of(measured[0].seconds);
    list.push_back({{"rows", rows},
                    {"threads", threads},
                    {"milliseconds_per_batch", milliseconds},
                    {"rows_per_second", batches_per_second * rows}});
    if (arguments.json) return ok_status();
    std::printf("%8u %8u %14.4f %14.6g\n", rows, threads, milliseconds, batches_per_second * rows);
    print_layers(measured[0].layers);
    return ok_status();
}

}  // namespace

Status bench_model(const ModelArguments& arguments) {
    const std::uint32_t most =
        *std::max_element(arguments.batches.begin(), arguments.batches.end());
    const TimePoint begin = now();
    BUNCH_ASSIGN_OR_RETURN(const auto model, load_for(arguments, most));
    const double load_seconds = to_seconds(now() - begin);
    if (!arguments.json)
        std::printf("loaded in %.2f s; %s, %s, %.1e from f32\n%8s %8s %14s %14s\n", load_seconds,
                    model->program() != nullptr ? "planned" : "node by node",
                    arguments.precision.c_str(), model->deviation(), "rows", "threads",
                    "ms per batch", "rows/s");
    nlohmann::json list = nlohmann::json::array();
    for (const std::uint32_t rows : arguments.batches)
        for (const std::uint32_t threads : arguments.threads)
            BUNCH_RETURN_IF_ERROR(bench_once(*model, model->signature().batched ? rows : 1, threads,
                                             arguments, list));
    if (arguments.json)
        std::printf("%s\n",
                    nlohmann::json{{"load_seconds", load_seconds}, {"runs", list}}.dump(2).c_str());
    return ok_status();
}

}  // namespace bunch::cpu
