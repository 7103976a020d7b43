/// The real daemon as a process of its own, in a temporary folder, with everything on ipc and
/// loopback. For tests only.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace bunch {

/// How a process ended: its exit code, or the signal that ended it.
struct ProcessEnd {
    int code = -1;
    int signal = 0;
};

class DaemonProcess {
  public:
    /// Makes the folder; `devices_and_models` is the TOML after the sections [server] and [limits],
    /// `limits` the lines of [limits], `server` further lines of [server].
    explicit DaemonProcess(const std::string& devices_and_models, const std::string& limits = "",
                           const std::string& server = "");
    ~DaemonProcess();
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    void start();

    /// start(), and then until it says that it is ready. Fails the test after a minute.
    void start_and_wait();

    void signal(int number) const;

    /// Waits for its end, at most a minute.
    ProcessEnd wait();

    /// SIGTERM and wait().
    ProcessEnd stop();

    /// Whether this build has the runner of that backend.
    static bool has_runner(const std::string& backend);

    /// Pids of its runners of that backend.
    std::vector<pid_t> runners(const std::string& backend) const;

    std::string folder() const { return folder_; }
    std::string data_endpoint() const { return "ipc://" + folder_ + "/data.sock"; }
    std::string control_endpoint() const { return "ipc://" + folder_ + "/control.sock"; }

    /// Everything it has logged so far.
    std::string log() const;

    /// Waits until the log holds `text`, at most a minute.
    bool wait_for_log(const std::string& text) const;

    /// Resident memory in bytes.
    std::uint64_t resident_bytes() const;

    /// Body of GET `path` of its web server, empty if there is no answer; the status in `code`.
    std::string http_get(const std::string& path, int* code = nullptr) const;

    /// The value of a metric line that begins with `name` (with its labels), summed over them.
    double metric(const std::string& name) const;

    /// Waits until metric(name) is at least `value`, at most a minute.
    bool wait_for_metric(const std::string& name, double value) const;

    /// Waits until it has answered, or dropped, or refused that many requests, at most a minute.
    bool wait_for_requests(double count) const;

  private:
    std::string folder_;
    pid_t pid_ = -1;
    std::optional<ProcessEnd> end_;
};

/// The simulated device "sim0" with the given time per batch and row, and the model "echo" on it:
/// x FP32 [-1,4] in, the same as "echo" out.
std::string echo_config(const std::string& fixed = "0us", const std::string& per_row = "0us",
                        const std::string& more_of_model = "");

}  // namespace bunch
