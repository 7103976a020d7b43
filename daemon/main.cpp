// bunchd: from arguments to exit code.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "config/load.h"
#include "daemon/daemon.h"
#include "monitoring/log.h"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;  // EX_CONFIG of sysexits.h

int report(const bunch::ConfigProblems& problems) {
    for (const std::string& problem : problems) std::cerr << problem << "\n";
    return kExitConfig;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Pools, batches and runs ML inference of many workers on shared accelerators."};
    std::string path = "/etc/bunchd/bunchd.toml";
    bool only_check = false;
    app.add_option("--config", path, "Configuration file")->capture_default_str();
    app.add_flag("--check", only_check, "Check the configuration file and exit (78: it is wrong)");
    app.set_version_flag("--version", std::string("bunchd ") + BUNCH_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kExitUsage;
    }

    auto loaded = bunch::load_config(path);
    if (const auto* problems = std::get_if<bunch::ConfigProblems>(&loaded))
        return report(*problems);
    const auto& config = std::get<bunch::Config>(loaded);
    if (only_check) {
        std::cout << path << ": " << config.devices.size() << " devices, " << config.models.size()
                  << " models, no problems\n";
        return 0;
    }
    if (const auto level = bunch::log::level_named(config.log.level)) bunch::log::set_level(*level);
    auto daemon = bunch::Daemon::open(config);
    if (!daemon.ok()) {
        bunch::log::error("start_failed", {{"reason", daemon.status().message()}});
        return kExitFailed;
    }
    (*daemon)->run();
    return 0;
}
