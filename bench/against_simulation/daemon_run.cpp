#include "bench/against_simulation/daemon_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "bench/against_simulation/daemon_config.h"
#include "client/control_client.h"
#include "protocol/kserve_v2.pb.h"

namespace bunch::against {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 30s;

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Result<std::unique_ptr<DaemonRun>> DaemonRun::start(const std::string& program,
                                                    const simulation::Scenario& scenario) {
    std::string folder = (std::filesystem::temp_directory_path() / "bunch-against-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return unavailable("cannot make the folder " + folder);
    std::unique_ptr<DaemonRun> run(new DaemonRun(folder));
    BUNCH_RETURN_IF_ERROR(run->launch(program, scenario));
    BUNCH_RETURN_IF_ERROR(run->wait_until_ready());
    return run;
}

DaemonRun::~DaemonRun() {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

Status DaemonRun::launch(const std::string& program, const simulation::Scenario& scenario) {
    const std::string config = folder_ + "/bunchd.toml";
    const std::string log = folder_ + "/log";
    std::ofstream(config) << daemon_config(scenario, folder_);
    pid_ = ::fork();
    if (pid_ < 0) return unavailable("cannot start another process");
    if (pid_ > 0) return ok_status();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    ::execl(program.c_str(), "bunchd", "--config", config.c_str(), nullptr);
    ::_exit(127);
}

Status DaemonRun::wait_until_ready() {
    const TimePoint until = now() + kPatience;
    while (now() < until) {
        inference::ServerReadyResponse ready;
        const Status asked = call_control(control_endpoint(folder_), ControlMethod::server_ready,
                                          inference::ServerReadyRequest(), ready, 1s);
        if (asked.ok() && ready.ready()) return ok_status();
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
            return unavailable("bunchd ended: " + text_of(folder_ + "/log"));
        }
        std::this_thread::sleep_for(20ms);
    }
    return unavailable("bunchd did not get ready: " + text_of(folder_ + "/log"));
}

std::string DaemonRun::endpoint() const {
    return data_endpoint(folder_);
}

Result<v1::StatusResponse> DaemonRun::status() const {
    v1::StatusResponse response;
    BUNCH_RETURN_IF_ERROR(call_control(control_endpoint(folder_), ControlMethod::status,
                                       v1::StatusRequest(), response, 5s));
    return response;
}

}  // namespace bunch::against
