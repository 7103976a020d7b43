// `bunch model bench`: time per batch for each number of rows and threads, and per layer.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "backends/cpu/model_commands.h"
#include "backends/cpu/team.h"

namespace bunch::cpu {
namespace {

double median_of(std::vector<double> numbers) {
    std::sort(numbers.begin(), numbers.end());
    return numbers[numbers.size() / 2];
}

/// Calls of one measurement take their time together until it can be measured.
struct Measured {
    std::vector<double> seconds;  ///< per batch
    std::vector<LayerTime> layers;
};

Result<Measured> measure(ModelSession& session, ModelBatch& batch,
                         const ModelArguments& arguments) {
    Measured measured;
    std::vector<Shape> shapes;
    const auto once = [&] { return session.run(batch.input_views, batch.output_views, shapes); };
    BUNCH_RETURN_IF_ERROR(once());
    const TimePoint first = now();
    BUNCH_RETURN_IF_ERROR(once());
    const double seconds = std::max(1e-8, to_seconds(now() - first));
    const int calls = std::max(1, static_cast<int>(1e-3 / seconds));
    if (arguments.profile) session.record_times();
    for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
        const TimePoint begin = now();
        for (int call = 0; call < calls; ++call) BUNCH_RETURN_IF_ERROR(once());
        measured.seconds.push_back(to_seconds(now() - begin) / calls);
    }
    if (!arguments.profile) return measured;
    measured.layers = session.layer_times();
    for (LayerTime& layer : measured.layers)
        layer.time /= calls * static_cast<std::int64_t>(arguments.repeat);
    return measured;
}

void print_layers(const std::vector<LayerTime>& layers) {
    double total = 0;
    for (const LayerTime& layer : layers) total += to_seconds(layer.time);
    for (const LayerTime& layer : layers)
        std::printf("    %10.1f us %5.1f%%  %s\n", 1e6 * to_seconds(layer.time),
                    100 * to_seconds(layer.time) / std::max(total, 1e-12), layer.layer.c_str());
}

Status bench_once(const CpuModel& model, std::uint32_t rows, Team& team,
                  const ModelArguments& arguments, nlohmann::json& list) {
    ModelBatch batch;
    BUNCH_RETURN_IF_ERROR(make_batch(model.signature(), rows, arguments.length, batch));
    BUNCH_ASSIGN_OR_RETURN(const auto session, model.open(&team));
    BUNCH_ASSIGN_OR_RETURN(const Measured measured, measure(*session, batch, arguments));
    const double seconds = median_of(measured.seconds);
    list.push_back({{"rows", rows},
                    {"threads", team.size()},
                    {"milliseconds_per_batch", 1e3 * seconds},
                    {"rows_per_second", rows / seconds}});
    if (arguments.json) return ok_status();
    std::printf("%8u %8u %14.4f %14.6g\n", rows, team.size(), 1e3 * seconds, rows / seconds);
    print_layers(measured.layers);
    return ok_status();
}

}  // namespace

Status bench_model(const ModelArguments& arguments) {
    const std::uint32_t most =
        *std::max_element(arguments.batches.begin(), arguments.batches.end());
    nlohmann::json list = nlohmann::json::array();
    double load_seconds = 0;  // the first: later ones find the plan cache filled
    for (const std::uint32_t threads : arguments.threads) {
        const TimePoint begin = now();
        BUNCH_ASSIGN_OR_RETURN(const auto model, load_for(arguments, most, threads));
        if (load_seconds == 0) load_seconds = to_seconds(now() - begin);
        if (!arguments.json)
            std::printf("loaded in %.2f s; %s, %s, %.1e from f32\n%8s %8s %14s %14s\n",
                        load_seconds, model->program() != nullptr ? "planned" : "node by node",
                        arguments.precision.c_str(), model->deviation(), "rows", "threads",
                        "ms per batch", "rows/s");
        Team team(threads);
        for (const std::uint32_t rows : arguments.batches)
            BUNCH_RETURN_IF_ERROR(
                bench_once(*model, model->signature().batched ? rows : 1, team, arguments, list));
    }
    if (arguments.json)
        std::printf("%s\n",
                    nlohmann::json{{"load_seconds", load_seconds}, {"runs", list}}.dump(2).c_str());
    return ok_status();
}

}  // namespace bunch::cpu
