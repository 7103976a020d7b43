#include "bench/simulation/scenario_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "bench/simulation/scenario_fields.h"
#include "config/document.h"

namespace bunch::simulation {
namespace {

/// Puts together what the sections say of one another.
class Assembler {
  public:
    Assembler(Problems& problems, WrittenScenario written)
        : problems_(problems), written_(std::move(written)), scenario_(written_.scenario) {}

    std::vector<Scenario> assemble();

  private:
    void check_models();
    void add_class(WrittenClass& written);
    void check_holds(const WrittenClass& written);
    void check_events(const WrittenClass& written);
    void add_farm();
    void check_served();
    void check_lockstep();
    Scenario case_of(const WrittenCase& one);
    std::size_t index_of(const ModelName& name);

    Problems& problems_;
    WrittenScenario written_;
    Scenario scenario_;
};

std::vector<Scenario> Assembler::assemble() {
    if (scenario_.name.empty()) problems_.add(1, "the scenario has no name (write name = \"S1\")");
    check_models();
    for (WrittenClass& one : written_.classes) add_class(one);
    if (written_.classes.empty())
        problems_.add(0, "the scenario has no devices (write a section [[class]])");
    add_farm();
    check_served();
    std::vector<Scenario> all;
    for (const WrittenCase& one : written_.cases) all.push_back(case_of(one));
    if (all.empty()) all.push_back(scenario_);
    return all;
}

void Assembler::check_models() {
    std::set<std::string> names;
    double mix = 0;
    for (const SimulatedModel& model : scenario_.models) {
        if (model.name.empty())
            problems_.add(0, "a [[model]] has no name (write name = \"A\")");
        else if (!names.insert(model.name).second)
            problems_.add(0, "model '" + model.name + "' is there twice (rename one)");
        if ((model.on == Duration::zero()) != (model.off == Duration::zero()))
            problems_.add(0, "model '" + model.name +
                                 "' has only one of on and off (write both, or none for Poisson "
                                 "arrivals)");
        mix += model.mix;
    }
    if (scenario_.models.empty())
        problems_.add(0, "the scenario has no models (write a section [[model]])");
    else if (mix == 0 && !written_.farm)
        problems_.add(0,
                      "nobody asks for a model (give each [[model]] its part of the requests: "
                      "mix = 1, or write a section [farm])");
}

std::size_t Assembler::index_of(const ModelName& name) {
    for (std::size_t m = 0; m < scenario_.models.size(); ++m)
        if (scenario_.models[m].name == name.name) return m;
    // A name that is no name has been complained of already.
    if (!name.name.empty())
        problems_.add("model", name.node,
                      "is no model of this scenario (write a section [[model]] for it)");
    return 0;
}

void Assembler::add_class(WrittenClass& written) {
    if (written.one.name.empty())
        problems_.add(0, "a [[class]] has no name (write name = \"gpu\")");
    for (WrittenCurve& one : written.curves) {
        one.curve.model = index_of(one.model);
        if (written.one.curve_of(one.curve.model) != nullptr && !one.model.name.empty())
            problems_.add("model", one.model.node, "has two curves in this class (keep one)");
        written.one.curves.push_back(one.curve);
        if (one.curve.per_row == 0 && one.curve.fixed == 0)
            problems_.add("model", one.model.node, "runs in no time (set fixed or per_row)");
    }
    if (written.curves.empty())
        problems_.add(0, "class '" + written.one.name +
                             "' runs no model (write runs = [{model = \"A\", ...}])");
    check_holds(written);
    for (const ModelName& held : written.holds) written.one.holds.push_back(index_of(held));
    check_events(written);
    scenario_.classes.push_back(written.one);
}

void Assembler::check_holds(const WrittenClass& written) {
    const DeviceClass& one = written.one;
    const bool reconfigurable = one.reconfiguration > Duration::zero();
    if (!reconfigurable && !written.holds.empty())
        problems_.add(0, "class '" + one.name +
                             "' has holds, but no reconfiguration (write how long that takes: "
                             "reconfiguration = \"2s\")");
    if (reconfigurable && written.holds.size() != one.devices)
        problems_.add(0, fmt::format("class '{}' has {} devices, but holds names {} models (name "
                                     "what each device holds at the start)",
                                     one.name, one.devices, written.holds.size()));
    for (const ModelName& held : written.holds) {
        bool runs = false;
        for (const WrittenCurve& curve : written.curves) runs |= curve.model.name == held.name;
        if (!runs && !held.name.empty())
            problems_.add("holds", held.node, "has no curve in this class (add it to runs)");
    }
}

void Assembler::check_events(const WrittenClass& written) {
    const DeviceClass& one = written.one;
    for (std::size_t i = 1; i < one.changes.size(); ++i)
        if (one.changes[i].at <= one.changes[i - 1].at)
            problems_.add(0, "the changes of class '" + one.name +
                                 "' are not in order of time (sort them by at)");
    for (const Outage& outage : one.outages)
        if (outage.device >= one.devices || outage.until <= outage.from)
            problems_.add(0, fmt::format("an outage of class '{}' is of device {} or ends before "
                                         "it begins (write a device below {}, and until after "
                                         "from)",
                                         one.name, outage.device, one.devices));
    if (one.mean_time_between_failures > Duration::zero() && one.repair_time == Duration::zero())
        problems_.add(0, "class '" + one.name +
                             "' fails, but has no repair_time (write repair_time = \"1s\")");
}

void Assembler::add_farm() {
    if (!written_.farm) return;
    Farm& farm = written_.farm->farm;
    for (WrittenStep& one : written_.farm->steps) {
        one.step.model = index_of(one.model);
        farm.steps.push_back(one.step);
    }
    if (farm.steps.empty())
        problems_.add(0,
                      "the farm has no steps (write steps = [{think = \"3ms\", model = "
                      "\"A\"}])");
    bool clients = farm.clients > 0;
    for (const WrittenCase& one : written_.cases) clients |= one.clients.has_value();
    if (!clients) problems_.add(0, "the farm has no clients (write clients = 64)");
    scenario_.farm = farm;
}

void Assembler::check_served() {
    for (std::size_t m = 0; m < scenario_.models.size(); ++m) {
        bool served = false;
        for (const DeviceClass& one : scenario_.classes) served |= one.curve_of(m) != nullptr;
        if (!served)
            problems_.add(0, "no class runs model '" + scenario_.models[m].name +
                                 "' (add it to the runs of a [[class]])");
    }
    const bool is_closed = scenario_.measure == Measure::events;
    if (is_closed != scenario_.farm.has_value())
        problems_.add(0,
                      "measure = \"events\" and a section [farm] need each other (write both "
                      "or none)");
    if (scenario_.bound == BoundKind::lockstep) check_lockstep();
    if (scenario_.bound == BoundKind::uncrowded && !is_closed)
        problems_.add(0, "bound = \"uncrowded\" is for closed loops (leave it out)");
    if ((scenario_.measure == Measure::tenants) == scenario_.tenants.empty())
        problems_.add(0,
                      "measure = \"tenants\" and sections [[tenant]] need each other (write "
                      "both or none)");
}

void Assembler::check_lockstep() {
    std::uint32_t clients = scenario_.farm ? scenario_.farm->clients : 0;
    for (const WrittenCase& one : written_.cases)
        clients = std::max(clients, one.clients.value_or(0));
    bool fits = scenario_.farm && scenario_.farm->steps.size() == 1 &&
                scenario_.classes.size() == 1 && scenario_.classes.front().devices == 1 &&
                scenario_.classes.front().lanes == 1;
    if (fits) {
        const std::size_t model = scenario_.farm->steps.front().model;
        const Curve* curve = scenario_.classes.front().curve_of(model);
        fits = curve != nullptr && clients * scenario_.models[model].rows <= curve->max_rows;
    }
    if (!fits)
        problems_.add(0,
                      "bound = \"lockstep\" is for a farm of one step on one device with one "
                      "lane that takes all clients in one batch (leave it out)");
}

Scenario Assembler::case_of(const WrittenCase& one) {
    Scenario scenario = scenario_;
    if (!one.name.empty()) scenario.name += ' ' + one.name;
    if (one.beat) scenario.beat = one.beat;
    if (one.load) scenario.load = *one.load;
    if (one.clients && scenario.farm) scenario.farm->clients = *one.clients;
    if (one.tenant_loads.empty()) return scenario;
    if (one.tenant_loads.size() != scenario.tenants.size()) {
        problems_.add(0, fmt::format("case '{}' has {} tenant_loads for {} tenants (write one "
                                     "per tenant)",
                                     one.name, one.tenant_loads.size(), scenario.tenants.size()));
        return scenario;
    }
    for (std::size_t t = 0; t < scenario.tenants.size(); ++t)
        scenario.tenants[t].load = one.tenant_loads[t];
    return scenario;
}

}  // namespace

ScenarioResult parse_scenarios(std::string_view text, const std::string& name) {
    const Result<Node> document = parse_document(text, name);
    if (!document.ok()) return ScenarioProblems{document.status().message()};
    Problems problems(name);
    WrittenScenario written = read_scenario(problems, *document);
    // What sections say of one another means little while single values are wrong.
    if (!problems.empty()) return problems.lines();
    std::vector<Scenario> scenarios = Assembler(problems, std::move(written)).assemble();
    if (!problems.empty()) return problems.lines();
    return scenarios;
}

ScenarioResult load_scenarios(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty())
        return ScenarioProblems{path + ": cannot be read, or is empty (name a scenario file)"};
    return parse_scenarios(text.str(), path);
}

}  // namespace bunch::simulation
