/// What bunch-simulate is asked for on its command line.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "bench/simulation/study.h"

namespace bunch::simulation {

struct Arguments {
    std::vector<std::string> paths{"bench/simulation/scenarios"};
    std::vector<std::uint64_t> pools;
    std::vector<std::string> policies{"bunchd"};
    StudyOptions study;
    bool quick = false;
    bool details = false;
    bool check = false;
    bool print = false;
    bool tune = false;
    bool compare = false;
    std::string settings = "bench/simulation/best_settings.toml";
    std::vector<std::string> curves{"S1", "S4"};
    std::string json;
    std::string svg;
    std::string command;  ///< as it was typed
};

void declare_options(CLI::App& app, Arguments& args);

/// After parsing: what was left out means.
void complete(const CLI::App& app, int argc, const char* const* argv, Arguments& args);

}  // namespace bunch::simulation
