#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/server_options.h"
#include "cli/table.h"
#include "protocol/bunch_status.pb.h"

namespace bunch {
namespace {

using nlohmann::json;

json json_of(const v1::Device& device) {
    return {{"name", device.name()},
            {"backend", device.backend()},
            {"device_class", device.device_class()},
            {"state", device.state()},
            {"lanes", device.lanes()},
            {"slots_per_lane", device.slots_per_lane()},
            {"restarts", device.restarts()},
            {"message", device.message()},
            {"lane_seconds", device.lane_seconds()},
            {"compute_seconds", device.compute_seconds()},
            {"useful_seconds",
             device.has_useful_seconds() ? json(device.useful_seconds()) : json(nullptr)}};
}

json json_of(const v1::Model& model) {
    json entry = {{"name", model.name()},
                  {"version", model.version()},
                  {"state", model.state()},
                  {"message", model.message()},
                  {"queued_requests", model.queued_requests()},
                  {"queued_rows", model.queued_rows()},
                  {"max_batch_rows", model.max_batch_rows()},
                  {"served", model.served()},
                  {"failed", model.failed()},
                  {"rows", model.rows()},
                  {"batches", model.batches()},
                  {"precision", model.precision()},
                  {"devices", json::array()}};
    entry["objective_seconds"] =
        model.has_objective_seconds() ? json(model.objective_seconds()) : json(nullptr);
    for (const std::string& device : model.devices()) entry["devices"].push_back(device);
    return entry;
}

void write_json(const v1::StatusResponse& status, std::ostream& out) {
    json object = {{"name", status.name()},
                   {"version", status.version()},
                   {"uptime_seconds", status.uptime_seconds()},
                   {"ready", status.ready()},
                   {"draining", status.draining()},
                   {"devices", json::array()},
                   {"models", json::array()}};
    for (const v1::Device& device : status.devices()) object["devices"].push_back(json_of(device));
    for (const v1::Model& model : status.models()) object["models"].push_back(json_of(model));
    out << object.dump(2) << '\n';
}

std::string percent(double part, double whole) {
    return whole > 0 ? fmt::format("{:.1f} %", 100 * part / whole) : "-";
}

std::string mean_rows(const v1::Model& model) {
    if (model.batches() == 0) return "-";
    return fmt::format("{:.1f}",
                       static_cast<double>(model.rows()) / static_cast<double>(model.batches()));
}

void write_text(const v1::StatusResponse& status, std::ostream& out) {
    out << fmt::format("{} {}, up {:.0f} s, {}\n\n", status.name(), status.version(),
                       status.uptime_seconds(),
                       status.draining() ? "draining" : (status.ready() ? "ready" : "not ready"));
    std::vector<std::vector<std::string>> devices;
    for (const v1::Device& device : status.devices()) {
        devices.push_back({device.name(), device.backend(), device.device_class(), device.state(),
                           fmt::format("{}x{}", device.lanes(), device.slots_per_lane()),
                           std::to_string(device.restarts()),
                           percent(device.compute_seconds(), device.lane_seconds()),
                           percent(device.useful_seconds(), device.lane_seconds()),
                           device.message()});
    }
    write_table(
        out,
        {"DEVICE", "BACKEND", "CLASS", "STATE", "LANES", "RESTARTS", "DUTY", "USEFUL", "MESSAGE"},
        devices);
    out << '\n';
    std::vector<std::vector<std::string>> models;
    for (const v1::Model& model : status.models()) {
        models.push_back({model.name(), model.version(), model.state(),
                          std::to_string(model.queued_requests()), std::to_string(model.served()),
                          std::to_string(model.failed()), mean_rows(model), model.message()});
    }
    write_table(
        out, {"MODEL", "VERSION", "STATE", "QUEUED", "SERVED", "FAILED", "ROWS/BATCH", "MESSAGE"},
        models);
}

}  // namespace

void add_status_command(CLI::App& app, Action& chosen) {
    struct Options {
        ServerOptions server;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("status", "What the daemon, its devices and models do");
    options->server.add_to(*command);
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, &chosen] {
        chosen = [options](const Console& console) -> Status {
            v1::StatusResponse status;
            BUNCH_RETURN_IF_ERROR(
                options->server.call(ControlMethod::status, v1::StatusRequest(), status));
            options->json ? write_json(status, console.out) : write_text(status, console.out);
            return {};
        };
    });
}

}  // namespace bunch
