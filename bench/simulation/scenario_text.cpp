#include "bench/simulation/scenario_text.h"

#include <fmt/format.h>

#include "config/units.h"

namespace bunch::simulation {
namespace {

std::string quoted(const std::string& value) {
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

/// "key = value" lines; a value that is the default is left out.
class Lines {
  public:
    void section(const char* name) { text_ += fmt::format("\n{}\n", name); }
    void number(const char* key, double value, double usual) {
        if (value != usual) text_ += fmt::format("{} = {}\n", key, value);
    }
    void text(const char* key, const std::string& value) {
        if (!value.empty()) text_ += fmt::format("{} = {}\n", key, quoted(value));
    }
    void flag(const char* key, bool value, bool usual) {
        if (value != usual) text_ += fmt::format("{} = {}\n", key, value);
    }
    void span(const char* key, Duration value, Duration usual = {}) {
        if (value != usual) text_ += fmt::format("{} = \"{}\"\n", key, to_text(value));
    }
    /// `items` are parts of a list, one per line.
    void list(const char* key, const std::vector<std::string>& items) {
        if (items.empty()) return;
        text_ += fmt::format("{} = [\n", key);
        for (const std::string& item : items) text_ += fmt::format("    {},\n", item);
        text_ += "]\n";
    }

    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void add_head(Lines& lines, const Scenario& scenario) {
    const Scenario usual;
    lines.text("name", scenario.name);
    lines.text("title", scenario.title);
    lines.text("measure", std::string(name_of(scenario.measure)));
    lines.span("span", scenario.span, usual.span);
    lines.number("warm_up", scenario.warm_up, usual.warm_up);
    lines.number("load", scenario.load, usual.load);
    lines.flag("deadlines", scenario.deadlines, usual.deadlines);
    if (scenario.bound == BoundKind::uncrowded) lines.text("bound", "uncrowded");
    if (scenario.bound == BoundKind::lockstep) lines.text("bound", "lockstep");
    if (scenario.beat) lines.number("beat", *scenario.beat, -1);
    if (scenario.swaps) lines.number("swaps", *scenario.swaps, -1);
}

void add_model(Lines& lines, const SimulatedModel& model) {
    const SimulatedModel usual;
    lines.section("[[model]]");
    lines.text("name", model.name);
    if (model.objective) lines.span("objective", *model.objective);
    lines.number("rows", model.rows, usual.rows);
    lines.number("mix", model.mix, usual.mix);
    lines.span("on", model.on);
    lines.span("off", model.off);
    if (model.fixed_bursts) lines.text("burst_lengths", "fixed");
    lines.number("max_queued_rows", model.max_queued_rows, usual.max_queued_rows);
}

std::vector<std::string> runs_of(const Scenario& scenario, const DeviceClass& one) {
    std::vector<std::string> runs;
    for (const Curve& curve : one.curves) {
        std::string contention;
        if (curve.contention != 0) contention = fmt::format(", contention = {}", curve.contention);
        runs.push_back(
            fmt::format("{{model = \"{}\", fixed = \"{}\", per_row = \"{}\", rows = {}{}}}",
                        scenario.models[curve.model].name, to_text(from_seconds(curve.fixed)),
                        to_text(from_seconds(curve.per_row)), curve.max_rows, contention));
    }
    return runs;
}

void add_events(Lines& lines, const DeviceClass& one) {
    std::vector<std::string> items;
    for (const SpeedChange& change : one.changes)
        items.push_back(
            fmt::format("{{at = \"{}\", factor = {}}}", to_text(change.at), change.factor));
    lines.list("changes", items);
    items.clear();
    for (const Outage& outage : one.outages)
        items.push_back(fmt::format("{{device = {}, from = \"{}\", until = \"{}\"}}", outage.device,
                                    to_text(outage.from), to_text(outage.until)));
    lines.list("outages", items);
}

void add_class(Lines& lines, const Scenario& scenario, const DeviceClass& one) {
    const DeviceClass usual;
    lines.section("[[class]]");
    lines.text("name", one.name);
    lines.number("devices", one.devices, usual.devices);
    lines.number("lanes", one.lanes, usual.lanes);
    lines.number("slots", one.slots, usual.slots);
    lines.number("noise", one.noise, usual.noise);
    lines.span("gather_per_row", one.gather_per_row);
    lines.span("transfer_per_row", one.transfer_per_row);
    lines.number("stall_probability", one.stall_probability, usual.stall_probability);
    lines.span("stall_time", one.stall_time);
    add_events(lines, one);
    lines.span("mean_time_between_failures", one.mean_time_between_failures);
    lines.span("repair_time", one.repair_time);
    lines.span("reconfiguration", one.reconfiguration);
    std::vector<std::string> held;
    for (const std::size_t model : one.holds)
        held.push_back(fmt::format("\"{}\"", scenario.models[model].name));
    lines.list("holds", held);
    lines.list("runs", runs_of(scenario, one));
}

void add_tenant(Lines& lines, const SimulatedTenant& tenant) {
    const SimulatedTenant usual;
    lines.section("[[tenant]]");
    lines.text("name", tenant.name);
    lines.number("weight", tenant.weight, usual.weight);
    lines.number("load", tenant.load, usual.load);
    lines.flag("floods", tenant.floods, usual.floods);
    lines.number("rows_per_second", tenant.rows_per_second, usual.rows_per_second);
    lines.number("burst_rows", tenant.burst_rows, usual.burst_rows);
}

void add_farm(Lines& lines, const Scenario& scenario, const Farm& farm) {
    lines.section("[farm]");
    lines.number("clients", farm.clients, 0);
    lines.number("think_noise", farm.think_noise, 0);
    std::vector<std::string> steps;
    for (const Step& step : farm.steps)
        steps.push_back(fmt::format("{{think = \"{}\", model = \"{}\"}}", to_text(step.think),
                                    scenario.models[step.model].name));
    lines.list("steps", steps);
}

}  // namespace

std::string to_toml(const Scenario& scenario) {
    Lines lines;
    add_head(lines, scenario);
    for (const SimulatedModel& model : scenario.models) add_model(lines, model);
    for (const DeviceClass& one : scenario.classes) add_class(lines, scenario, one);
    for (const SimulatedTenant& tenant : scenario.tenants) add_tenant(lines, tenant);
    if (scenario.farm) add_farm(lines, scenario, *scenario.farm);
    return lines.take();
}

}  // namespace bunch::simulation
