#include <nlohmann/json.hpp>

#include "bench/simulation/policies.h"
#include "bench/simulation/report.h"

namespace bunch::simulation {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Ends& ends) {
    Json rejected = Json::object();
    for (std::size_t i = 0; i < ends.rejected.size(); ++i)
        if (ends.rejected[i] > 0)
            rejected[std::string(name_of(static_cast<RejectReason>(i)))] = ends.rejected[i];
    return {{"offered", ends.offered},
            {"in_objective", ends.in_objective},
            {"late", ends.late},
            {"rejected", rejected},
            {"unfinished", ends.unfinished}};
}

Json json_of(const Latencies& latencies) {
    Json json{{"count", latencies.count()}, {"mean", to_seconds(latencies.mean())}};
    for (const auto& [name, part] :
         {std::pair{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}})
        json[name] = to_seconds(latencies.quantile(part));
    json["max"] = to_seconds(latencies.longest());
    return json;
}

Json json_of(const ModelResult& model) {
    Json closed = Json::object();
    for (std::size_t i = 0; i < model.closed_by.size(); ++i)
        if (model.closed_by[i] > 0)
            closed[std::string(name_of(static_cast<CloseReason>(i)))] = model.closed_by[i];
    return {{"name", model.name},       {"requests", json_of(model.ends)},
            {"batches", model.batches}, {"rows", model.rows},
            {"closed_by", closed},      {"latency_seconds", json_of(model.latencies)}};
}

Json json_of(const RunResult& run) {
    Json json{{"seconds", run.seconds},         {"events_per_second", run.events_per_second},
              {"requests", run.requests},       {"decisions", run.decisions},
              {"fingerprint", run.fingerprint}, {"wall_seconds", run.wall_seconds},
              {"models", Json::array()},        {"tenants", Json::array()},
              {"classes", Json::array()}};
    for (const ModelResult& model : run.models) json["models"].push_back(json_of(model));
    for (const TenantResult& tenant : run.tenants)
        json["tenants"].push_back({{"name", tenant.name},
                                   {"floods", tenant.floods},
                                   {"weight", tenant.weight},
                                   {"requests", json_of(tenant.ends)}});
    for (const ClassResult& one : run.classes)
        json["classes"].push_back({{"name", one.name},
                                   {"duty", one.duty},
                                   {"useful_duty", one.useful_duty},
                                   {"batches", one.batches},
                                   {"rows", one.rows},
                                   {"swaps", one.swaps}});
    return json;
}

Json json_of(const StudyCell& cell, const PolicyChoice& choice, const Study& study,
             const StudyRow& row) {
    Json json{{"policy", to_text(choice)}, {"figure", cell.mean_figure()}};
    if (!row.scenario.tenants.empty()) json["jain"] = cell.mean_jain();
    json["swaps"] = cell.mean_swaps();
    if (const auto beaten = is_beaten(study, row, cell)) json["beaten"] = *beaten;
    json["seeds"] = Json::array();
    for (std::size_t i = 0; i < cell.findings.size(); ++i) {
        const Finding& finding = cell.findings[i];
        json["seeds"].push_back({{"seed", study.options.first_seed + i},
                                 {"figure", finding.figure},
                                 {"load", finding.load},
                                 {"jain", finding.jain},
                                 {"run", json_of(finding.run)}});
    }
    return json;
}

}  // namespace

std::string to_json(const Study& study) {
    Json json{{"resolution", study.options.resolution}, {"scenarios", Json::array()}};
    for (const StudyRow& row : study.rows) {
        Json one{{"name", row.scenario.name},
                 {"title", row.scenario.title},
                 {"measure", std::string(name_of(row.scenario.measure))},
                 {"bound_per_second", row.bound}};
        if (row.scenario.beat) one["beat"] = *row.scenario.beat;
        one["policies"] = Json::array();
        for (std::size_t i = 0; i < row.cells.size(); ++i)
            one["policies"].push_back(json_of(row.cells[i], study.options.policies[i], study, row));
        json["scenarios"].push_back(std::move(one));
    }
    return json.dump(2) + '\n';
}

}  // namespace bunch::simulation
