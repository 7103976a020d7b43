#include <nlohmann/json.hpp>
#include <thread>

#include "bench/farm/report.h"

namespace bunch::farm {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const Measurement& run) {
    const CrowdResult& crowd = run.crowd;
    ordered_json json = {
        {"workers", crowd.workers},
        {"measured_seconds", crowd.seconds},
        {"requests", crowd.requests},
        {"requests_per_second", static_cast<double>(crowd.requests) / crowd.seconds},
        {"rows_per_second", run.rows_per_second()},
        {"latency_seconds",
         {{"p50", crowd.latencies.quantile(0.5)},
          {"p90", crowd.latencies.quantile(0.9)},
          {"p99", crowd.latencies.quantile(0.99)},
          {"max", crowd.latencies.quantile(1)}}},
        {"errors", crowd.errors},
        {"mismatches", crowd.mismatches},
        {"swapped", crowd.swapped},
        {"max_deviation", crowd.max_deviation}};
    if (!crowd.first_error.empty()) json["first_error"] = crowd.first_error;
    if (run.service) {
        json["mean_batch_rows"] = run.service->mean_batch_rows;
        json["duty_cycle"] = run.service->duty_cycle;
        json["useful_duty"] = run.service->useful_duty;
        json["stage_seconds"] = run.service->stage_seconds;
    }
    return json;
}

ordered_json json_of(const std::vector<Measurement>& curve) {
    ordered_json json = ordered_json::array();
    for (const Measurement& run : curve) json.push_back(json_of(run));
    return json;
}

ordered_json json_of(const PhaseResult& phase) {
    ordered_json json = {{"name", phase.name},           {"title", phase.title},
                         {"unit", phase.unit},           {"simulated", phase.simulated},
                         {"tolerance", phase.tolerance}, {"separation", phase.separation}};
    if (phase.alone) json["without_service"] = json_of(*phase.alone);
    if (phase.service) json["with_service"] = json_of(*phase.service);
    json["curve_without_service"] = json_of(phase.alone_curve);
    json["curve_with_service"] = json_of(phase.service_curve);
    return json;
}

}  // namespace

std::string to_json(const std::vector<PhaseResult>& results, std::uint64_t seed) {
    ordered_json phases = ordered_json::array();
    for (const PhaseResult& phase : results) phases.push_back(json_of(phase));
    const ordered_json all = {
        {"cores", std::thread::hardware_concurrency()}, {"seed", seed}, {"phases", phases}};
    return all.dump(2) + "\n";
}

}  // namespace bunch::farm
