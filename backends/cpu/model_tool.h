/// `bunch-runner-cpu model ...`: what `bunch model` starts. Looks at a model file, runs it and
/// measures it on CPU cores, without a daemon.
#pragma once

namespace bunch::cpu {

/// The rest of the command line from "model" on. Returns the exit code: 0, 1 for a failure, 2 for
/// wrong use.
int model_tool(int argc, const char* const* argv);

}  // namespace bunch::cpu
