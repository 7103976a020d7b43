/// The subcommands of `bunch`, one file each (command_NAME.cpp). Each adds itself to the command
/// line and leaves a function that will be called if it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>

#include "core/status.h"

namespace bunch {

/// Where a command writes: results to `out`, everything else to `error`.
struct Console {
    std::ostream& out;
    std::ostream& error;
};

/// Does the work of the chosen subcommand.
using Action = std::function<Status(const Console&)>;

void add_status_command(CLI::App& app, Action& chosen);
void add_model_command(CLI::App& app, Action& chosen);
void add_models_command(CLI::App& app, Action& chosen);
void add_infer_command(CLI::App& app, Action& chosen);
void add_bench_command(CLI::App& app, Action& chosen);
void add_trace_command(CLI::App& app, Action& chosen);
void add_zoo_command(CLI::App& app, Action& chosen);
void add_xclbin_command(CLI::App& app, Action& chosen);
void add_doctor_command(CLI::App& app, Action& chosen);

}  // namespace bunch
