/// What a host has and lacks for each kind of device, as findings with remedies: `bunch doctor`.
/// Looks only: loads no driver, opens no device, changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace bunch {

/// The host as the doctor sees it; tests show it another one.
struct HostView {
    std::string root;        ///< before /sys, /proc and /dev; empty: the real ones
    std::string runner_dir;  ///< where bunch-runner-* are
    std::function<std::optional<std::string>(const char* name)> environment;
    /// Where the dynamic linker finds a library, with links followed; nothing if it does not.
    std::function<std::optional<std::string>(const std::string& name)> library;
};

/// The host that this process runs on.
HostView this_host(const std::string& runner_dir);

struct Finding {
    enum class State : std::uint8_t {
        well,
        absent,  ///< not there; nobody said that it should be
        wrong,   ///< something needed is missing or does not fit
    };
    std::string area;  ///< "fpga", "cpu", "gpu", "config"
    std::string name;  ///< of the check
    State state = State::well;
    std::string what;
    std::string remedy;  ///< empty if well
};
std::string_view name_of(Finding::State state);  ///< "ok", "absent", "WRONG"

/// Each appends its findings. `needed`: a device of the kind is configured, so what is absent is
/// wrong.
void look_at_cpu(const HostView& host, bool needed, std::vector<Finding>& findings);
void look_at_fpga(const HostView& host, bool needed, std::vector<Finding>& findings);
void look_at_gpu(const HostView& host, bool needed, std::vector<Finding>& findings);

/// The file itself, and manifests and xclbins of FPGA models in it. The configuration, if it can be
/// used.
std::optional<Config> look_at_config(const std::string& path, std::vector<Finding>& findings);

}  // namespace bunch
