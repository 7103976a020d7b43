#include "cli/doctor.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <variant>

#include "backends/xrt/fpga_model.h"
#include "config/load.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;
using State = Finding::State;

constexpr const char* kXilinx = "0x10ee";
constexpr const char* kNvidia = "0x10de";

/// The first line of a file of the host; empty if it cannot be read.
std::string line_of(const HostView& host, const std::string& path) {
    std::ifstream file(host.root + path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::vector<fs::path> entries_of(const HostView& host, const std::string& folder) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(host.root + folder, error))
        entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());
    return entries;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
    return all;
}

/// Collects what is found out about one area.
class Report {
  public:
    Report(std::string area, bool needed, std::vector<Finding>& findings)
        : area_(std::move(area)), needed_(needed), findings_(findings) {}

    void well(const std::string& name, const std::string& what) {
        findings_.push_back({area_, name, State::well, what, ""});
    }
    void absent(const std::string& name, const std::string& what, const std::string& remedy) {
        findings_.push_back({area_, name, needed_ ? State::wrong : State::absent, what, remedy});
    }
    void wrong(const std::string& name, const std::string& what, const std::string& remedy) {
        findings_.push_back({area_, name, State::wrong, what, remedy});
    }

  private:
    std::string area_;
    bool needed_;
    std::vector<Finding>& findings_;
};

void look_for_runner(const HostView& host, const std::string& backend, const std::string& option,
                     Report& report) {
    const std::string program = host.runner_dir + "/bunch-runner-" + backend;
    if (::access(program.c_str(), X_OK) == 0) return report.well("runner", program);
    report.absent("runner", program + " is not there",
                  "build with -D" + option +
                      "=ON, which says what is missing, or set "
                      "server.runner_dir");
}

/// Addresses of PCI devices of a vendor, and the drivers that hold them.
struct PciDevices {
    std::vector<std::string> addresses;
    std::vector<std::string> drivers;  ///< "none" where no driver has it
};

PciDevices pci_devices(const HostView& host, const std::string& vendor) {
    PciDevices found;
    for (const fs::path& device : entries_of(host, "/sys/bus/pci/devices")) {
        const std::string name = device.filename();
        if (line_of(host, "/sys/bus/pci/devices/" + name + "/vendor") != vendor) continue;
        std::error_code error;
        const fs::path driver = fs::read_symlink(device / "driver", error);
        found.addresses.push_back(name);
        found.drivers.push_back(error ? "none" : driver.filename().string());
    }
    return found;
}

/// "2.13" of "libxrt_core.so.2.13.0" or "2.13.466,hash".
std::string major_minor(const std::string& text) {
    const std::size_t so = text.find(".so.");
    std::istringstream rest(so == std::string::npos ? text : text.substr(so + 4));
    std::string major, minor;
    std::getline(rest, major, '.');
    std::getline(rest, minor, '.');
    return minor.empty() ? major : major + "." + minor;
}

// ---- FPGA ----

/// The version of the runtime, "2.13"; empty if there is none.
std::string look_for_xrt(const HostView& host, Report& report) {
    const auto library = host.library("libxrt_coreutil.so.2");
    if (!library) {
        report.absent("runtime", "libxrt_coreutil.so.2, the Xilinx runtime, is not installed",
                      "apt install libxrt1, or AMD's package xrt of the driver's version");
        return "";
    }
    const std::string version = major_minor(*library);
    report.well("runtime", *library + ", version " + version);
    return version;
}

void look_for_shim(const HostView& host, Report& report) {
    const std::string mode = host.environment("XCL_EMULATION_MODE").value_or("");
    const auto folder = host.environment("XILINX_XRT");
    if (!folder || folder->empty())
        return report.absent("XILINX_XRT",
                             "the variable is not set, so XRT finds no driver library",
                             "set it in the service: the folder whose lib/ holds "
                             "libxrt_core.so.2, e.g. /opt/xilinx/xrt (docs/FPGA.md)");
    if (!mode.empty())
        return report.well("XILINX_XRT", *folder + ", EMULATED: XCL_EMULATION_MODE is " + mode);
    const std::string library = *folder + "/lib/libxrt_core.so.2";
    std::error_code error;
    if (fs::exists(host.root + library, error)) return report.well("XILINX_XRT", library);
    report.wrong("XILINX_XRT", library + " is not there",
                 "on Debian, make a folder whose lib links to /usr/lib/x86_64-linux-gnu, and set "
                 "XILINX_XRT to it");
}

void look_for_card(const HostView& host, Report& report) {
    const PciDevices cards = pci_devices(host, kXilinx);
    if (cards.addresses.empty())
        return report.absent("card", "no PCI device of Xilinx (10ee)",
                             "is it seated and powered? lspci -d 10ee:");
    const auto driven = std::find(cards.drivers.begin(), cards.drivers.end(), "xocl");
    if (driven != cards.drivers.end())
        return report.well("card", joined(cards.addresses) + ", driver xocl");
    report.wrong(
        "card",
        joined(cards.addresses) + ", but none has the driver xocl (" + joined(cards.drivers) + ")",
        "install AMD's xrt package for this kernel, then modprobe xocl; xbutil examine "
        "should list the card as ready");
}

void look_for_driver(const HostView& host, const std::string& runtime, Report& report) {
    const std::string version = line_of(host, "/sys/module/xocl/version");
    std::error_code error;
    if (!fs::exists(host.root + "/sys/module/xocl", error))
        return report.absent("driver", "the kernel module xocl is not loaded",
                             "modprobe xocl; it comes with AMD's xrt package, not with Debian");
    if (version.empty() || runtime.empty() || major_minor(version) == runtime)
        return report.well("driver", "xocl " + version);
    report.wrong("driver",
                 "xocl is of version " + major_minor(version) + ", the runtime of " + runtime,
                 "install both of one version");
}

void look_for_nodes(const HostView& host, Report& report) {
    std::vector<std::string> usable, closed;
    for (const fs::path& node : entries_of(host, "/sys/class/drm")) {
        const std::string name = node.filename();
        if (name.rfind("renderD", 0) != 0) continue;
        if (line_of(host, "/sys/class/drm/" + name + "/device/vendor") != kXilinx) continue;
        const std::string device = "/dev/dri/" + name;
        const bool open = ::access((host.root + device).c_str(), R_OK | W_OK) == 0;
        (open ? usable : closed).push_back(device);
    }
    if (!closed.empty())
        return report.wrong("device nodes", joined(closed) + " cannot be opened by this user",
                            "add the user that bunchd runs as to the group render");
    if (usable.empty())
        return report.absent("device nodes", "no /dev/dri/renderD* of a card",
                             "they come with the driver xocl");
    report.well("device nodes", joined(usable));
}

// ---- configuration ----

void look_at_models(const Config& config, Report& report) {
    for (const ModelSpec& model : config.models) {
        if (fs::path(model.path).extension() != ".toml") continue;
        const auto read = fpga::read_model(model.path);
        if (!read.ok()) {
            report.wrong("model " + model.name, read.status().message(),
                         "mend the file; 'bunch xclbin inspect' says what an xclbin has");
            continue;
        }
        const fpga::FpgaModel& files = **read;
        report.well("model " + model.name,
                    files.manifest.xclbin + ": kernel " + files.manifest.kernel + ", units " +
                        joined(files.units) + ", for " + files.xclbin.platform);
    }
}

}  // namespace

std::string_view name_of(Finding::State state) {
    switch (state) {
        case State::well:
            return "ok";
        case State::absent:
            return "absent";
        case State::wrong:
            return "WRONG";
    }
    return "";
}

HostView this_host(const std::string& runner_dir) {
    HostView host;
    host.runner_dir = runner_dir;
    host.environment = [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (value == nullptr) return std::nullopt;
        return value;
    };
    host.library = [](const std::string& name) -> std::optional<std::string> {
        void* const handle = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
        if (handle == nullptr) return std::nullopt;
        std::string path = name;
        link_map* map = nullptr;
        if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0) path = map->l_name;
        std::error_code error;
        const fs::path real = fs::canonical(path, error);
        ::dlclose(handle);
        return error ? path : real.string();
    };
    return host;
}

void look_at_cpu(const HostView& host, bool needed, std::vector<Finding>& findings) {
    Report report("cpu", needed, findings);
    std::ifstream cpuinfo(host.root + "/proc/cpuinfo");
    std::size_t cores = 0;
    std::string flags;
    for (std::string line; std::getline(cpuinfo, line);) {
        if (line.rfind("processor", 0) == 0) ++cores;
        if (line.rfind("flags", 0) == 0) flags = line + " ";
    }
    const bool avx512 = flags.find(" avx512f ") != std::string::npos;
    const bool avx2 = flags.find(" avx2 ") != std::string::npos;
    const std::string what = std::to_string(cores) + " logical processors, vectors: " +
                             (avx512 ? "AVX-512"
                              : avx2 ? "AVX2"
                                     : "neither AVX2 nor AVX-512");
    if (avx2 || avx512)
        report.well("processor", what);
    else
        report.absent("processor", what, "it works, but networks run several times slower");
    look_for_runner(host, "cpu", "BUNCH_BACKEND_CPU", report);
}

void look_at_fpga(const HostView& host, bool needed, std::vector<Finding>& findings) {
    Report report("fpga", needed, findings);
    const std::string runtime = look_for_xrt(host, report);
    look_for_shim(host, report);
    // An emulated card has neither of the following.
    if (host.environment("XCL_EMULATION_MODE").value_or("").empty()) {
        look_for_card(host, report);
        look_for_driver(host, runtime, report);
        look_for_nodes(host, report);
    }
    look_for_runner(host, "xrt", "BUNCH_BACKEND_XRT", report);
}

void look_at_gpu(const HostView& host, bool needed, std::vector<Finding>& findings) {
    Report report("gpu", needed, findings);
    const PciDevices cards = pci_devices(host, kNvidia);
    if (cards.addresses.empty())
        return report.absent("card", "no PCI device of NVIDIA (10de)", "lspci -d 10de:");
    report.well("card", joined(cards.addresses) + ", drivers " + joined(cards.drivers));
    const std::string driver = line_of(host, "/sys/module/nvidia/version");
    if (driver.empty())
        report.absent("driver", "the kernel module nvidia is not loaded",
                      "install nvidia-driver, then modprobe nvidia");
    else
        report.well("driver", "nvidia " + driver);
    if (const auto library = host.library("libcuda.so.1"))
        report.well("runtime", *library);
    else
        report.absent("runtime", "libcuda.so.1 is not installed",
                      "it comes with the driver: libcuda1, of the same version");
    if (::access((host.root + "/dev/nvidia0").c_str(), R_OK | W_OK) != 0)
        report.absent("device nodes", "/dev/nvidia0 cannot be opened by this user",
                      "nvidia-smi makes it; the user that bunchd runs as needs the group video");
    else
        report.well("device nodes", "/dev/nvidia0");
}

std::optional<Config> look_at_config(const std::string& path, std::vector<Finding>& findings) {
    Report report("config", true, findings);
    auto loaded = load_config(path);
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) {
        for (const std::string& problem : *problems)
            report.wrong("file", problem, "docs/CONFIGURATION.md explains each key");
        return std::nullopt;
    }
    const auto& config = std::get<Config>(loaded);
    report.well("file", path);
    look_at_models(config, report);
    return config;
}

}  // namespace bunch
