/// The subcommands of `bunch-muon`, one file each (command_NAME.cpp). Each adds itself to the
/// command line and leaves a function that will be called if it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "core/status.h"

namespace bunch::muon {

using Action = std::function<Status()>;

/// Reads the arguments, does what they ask for. Returns the exit code: 0, 1 for a failure, 2 for
/// wrong use.
int run(int argc, const char* const* argv);

void add_generate_command(CLI::App& app, Action& chosen);
void add_train_command(CLI::App& app, Action& chosen);
void add_compress_command(CLI::App& app, Action& chosen);
void add_evaluate_command(CLI::App& app, Action& chosen);
void add_export_command(CLI::App& app, Action& chosen);
void add_kernel_command(CLI::App& app, Action& chosen);
void add_rtl_command(CLI::App& app, Action& chosen);
void add_vectors_command(CLI::App& app, Action& chosen);
void add_verify_command(CLI::App& app, Action& chosen);
void add_report_command(CLI::App& app, Action& chosen);

}  // namespace bunch::muon
