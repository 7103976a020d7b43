#include "backends/host/launcher.h"

#include <csignal>
#include <cstring>

namespace bunch {

std::string RunnerExit::to_string() const {
    if (signal == 0) return "exited with code " + std::to_string(code);
    const char* name = ::sigdescr_np(signal);
    return "was killed by signal " + std::to_string(signal) +
           (name != nullptr ? " (" + std::string(name) + ")" : "");
}

}  // namespace bunch
