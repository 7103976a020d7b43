#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/table.h"

namespace bunch {
namespace {

struct DoctorOptions {
    std::string config;
    std::string runner_dir;
    bool json = false;
};

/// As the daemon looks for it, which is installed beside this program.
std::string find_runner_dir(const DoctorOptions& options, const std::optional<Config>& config) {
    if (!options.runner_dir.empty()) return options.runner_dir;
    if (config && !config->server.runner_dir.empty()) return config->server.runner_dir;
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const auto installed = own.parent_path() / "libexec" / "bunch";
    return std::filesystem::is_directory(installed, error) ? installed : own;
}

bool needs(const std::optional<Config>& config, const std::string& backend) {
    if (!config) return false;
    return std::any_of(config->devices.begin(), config->devices.end(),
                       [&backend](const DeviceConfig& each) { return each.backend == backend; });
}

void write(const std::vector<Finding>& findings, bool as_json, std::ostream& out) {
    if (as_json) {
        auto list = nlohmann::json::array();
        for (const Finding& finding : findings)
            list.push_back({{"area", finding.area},
                            {"check", finding.name},
                            {"state", name_of(finding.state)},
                            {"what", finding.what},
                            {"remedy", finding.remedy}});
        out << list.dump(2) << '\n';
        return;
    }
    std::vector<std::vector<std::string>> rows;
    for (const Finding& finding : findings)
        rows.push_back({finding.area, finding.name, std::string(name_of(finding.state)),
                        finding.what + (finding.remedy.empty() ? "" : " -> " + finding.remedy)});
    write_table(out, {"AREA", "CHECK", "STATE", "WHAT -> REMEDY"}, rows);
}

Status examine(const DoctorOptions& options, const Console& console) {
    std::vector<Finding> findings;
    std::optional<Config> config;
    if (!options.config.empty()) config = look_at_config(options.config, findings);
    const HostView host = this_host(find_runner_dir(options, config));
    look_at_cpu(host, needs(config, "cpu"), findings);
    look_at_fpga(host, needs(config, "xrt"), findings);
    look_at_gpu(host, needs(config, "cuda"), findings);
    write(findings, options.json, console.out);
    const auto wrong = std::count_if(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.state == Finding::State::wrong;
    });
    if (wrong == 0) return {};
    return {StatusCode::failed_precondition, std::to_string(wrong) + " of " +
                                                 std::to_string(findings.size()) +
                                                 " checks found something wrong (see above)"};
}

}  // namespace

void add_doctor_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<DoctorOptions>();
    CLI::App* command =
        app.add_subcommand("doctor", "What this host has and lacks for each kind of device");
    command->add_option("--config", options->config,
                        "Configuration of the daemon: what its devices need must be there");
    command->add_option("--runner-dir", options->runner_dir,
                        "Folder of bunch-runner-*, if not the daemon's");
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, &chosen] {
        chosen = [options](const Console& console) { return examine(*options, console); };
    });
}

}  // namespace bunch
