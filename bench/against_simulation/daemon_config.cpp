#include "bench/against_simulation/daemon_config.h"

#include <fmt/format.h>

#include <algorithm>

namespace bunch::against {
namespace {

using simulation::Curve;
using simulation::DeviceClass;
using simulation::Scenario;
using simulation::SimulatedModel;

std::string nanoseconds(double seconds) {
    return fmt::format("\"{}ns\"", from_seconds(seconds).count());
}

std::string device(const Scenario& scenario, const DeviceClass& one, std::uint32_t number) {
    std::string text = fmt::format(
        "\n[[device]]\nname = \"{0}{1}\"\nbackend = \"simulated\"\nlanes = {2}\nslots = {3}\n"
        "options = {{device_class = \"simulated-{0}\", noise = {4}, seed = {5}",
        one.name, number, one.lanes, one.slots, one.noise, number + 1);
    for (const Curve& curve : one.curves) {
        const std::string& model = scenario.models[curve.model].name;
        text +=
            fmt::format(", \"{0}.fixed\" = {1}, \"{0}.per_row\" = {2}, \"{0}.rows\" = {3}", model,
                        nanoseconds(curve.fixed), nanoseconds(curve.per_row), curve.max_rows);
    }
    return text + "}\n";
}

std::string model(const Scenario& scenario, std::size_t index) {
    const SimulatedModel& model = scenario.models[index];
    std::uint32_t rows = 1;
    std::string devices;
    for (const DeviceClass& one : scenario.classes) {
        const Curve* curve = one.curve_of(index);
        if (curve == nullptr) continue;
        rows = std::max(rows, curve->max_rows);
        for (std::uint32_t number = 0; number < one.devices; ++number)
            devices += fmt::format("{}\"{}{}\"", devices.empty() ? "" : ", ", one.name, number);
    }
    std::string text = fmt::format(
        "\n[[model]]\nname = \"{}\"\ndevices = [{}]\nmax_batch_rows = {}\n"
        "max_queued_rows = {}\n"
        "inputs = [{{name = \"x\", type = \"FP32\", shape = [-1, 4]}}]\n"
        "outputs = [{{name = \"y\", type = \"FP32\", shape = [-1, 4]}}]\n",
        model.name, devices, rows, std::max(model.max_queued_rows, 65536u));
    if (model.objective) text += fmt::format("objective = \"{}ns\"\n", model.objective->count());
    return text;
}

}  // namespace

Status check_supported(const Scenario& scenario) {
    const auto no = [&](const std::string& what) {
        return unimplemented("scenario " + scenario.name + " has " + what +
                             ", which bunch-runner-simulated does not");
    };
    for (const DeviceClass& one : scenario.classes) {
        if (!one.changes.empty()) return no("changes of speed");
        if (!one.outages.empty() || one.mean_time_between_failures > Duration::zero())
            return no("failures");
        if (one.stall_probability > 0) return no("stalls");
        if (one.gather_per_row > Duration::zero() || one.transfer_per_row > Duration::zero())
            return no("times of copies");
        if (one.reconfiguration > Duration::zero()) return no("reconfiguration");
        for (const Curve& curve : one.curves)
            if (curve.contention > 0) return no("contention");
    }
    return ok_status();
}

std::string daemon_config(const Scenario& scenario, const std::string& folder) {
    std::string text = fmt::format(
        "[server]\ndata_endpoints = [\"{}\"]\ncontrol_endpoints = [\"{}\"]\nhttp_address = \"\"\n"
        "state_dir = \"{}/state\"\n[log]\nlevel = \"warn\"\n",
        data_endpoint(folder), control_endpoint(folder), folder);
    for (const simulation::SimulatedTenant& tenant : scenario.tenants) {
        text +=
            fmt::format("\n[[tenant]]\nname = \"{}\"\nweight = {}\n", tenant.name, tenant.weight);
        if (tenant.rows_per_second > 0)
            text += fmt::format("rows_per_second = {}\nburst_rows = {}\n", tenant.rows_per_second,
                                std::max(tenant.burst_rows, 1.0));
    }
    for (const DeviceClass& one : scenario.classes)
        for (std::uint32_t number = 0; number < one.devices; ++number)
            text += device(scenario, one, number);
    for (std::size_t i = 0; i < scenario.models.size(); ++i) text += model(scenario, i);
    return text;
}

std::string data_endpoint(const std::string& folder) {
    return "ipc://" + folder + "/data.sock";
}

std::string control_endpoint(const std::string& folder) {
    return "ipc://" + folder + "/control.sock";
}

}  // namespace bunch::against
