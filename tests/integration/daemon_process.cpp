#include "tests/integration/daemon_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

namespace bunch {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

/// Asks again until it is so; the pause only spares the processor.
bool until(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
        if (is_so()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return is_so();
}

std::string contents(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

DaemonProcess::DaemonProcess(const std::string& devices_and_models, const std::string& limits,
                             const std::string& server) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bunchd-test-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream file(folder_ + "/bunchd.toml");
    file << "[server]\n"
         << "data_endpoints = [\"" << data_endpoint() << "\"]\n"
         << "control_endpoints = [\"" << control_endpoint() << "\"]\n"
         << "http_address = \"127.0.0.1:0\"\n"
         << "runner_dir = \"" << BUNCH_BIN_DIR << "\"\n"
         << "state_dir = \"" << folder_ << "/state\"\n"
         << server << "\n[limits]\n"
         << limits << "\n"
         << devices_and_models;
}

DaemonProcess::~DaemonProcess() {
    if (pid_ > 0 && !end_) {
        ::kill(pid_, SIGKILL);
        wait();
    }
    if (testing::Test::HasFailure()) std::fprintf(stderr, "log of bunchd:\n%s\n", log().c_str());
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void DaemonProcess::start() {
    const std::string program = std::string(BUNCH_BIN_DIR) + "/bunchd";
    const std::string config = folder_ + "/bunchd.toml";
    const std::string log_path = folder_ + "/log";
    end_.reset();
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int log_fd = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log_fd, STDOUT_FILENO);
    ::dup2(log_fd, STDERR_FILENO);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
    ::execl(program.c_str(), "bunchd", "--config", config.c_str(), nullptr);
    ::_exit(127);
}

void DaemonProcess::start_and_wait() {
    start();
    bool is_ready = false;
    until([&] {
        const std::string lines = log();
        is_ready = lines.find(" info ready") != std::string::npos ||
                   lines.find(" warn not_ready") != std::string::npos;
        siginfo_t ended{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
        return is_ready || ended.si_pid == pid_;
    });
    ASSERT_TRUE(is_ready) << log();
}

void DaemonProcess::signal(int number) const {
    ::kill(pid_, number);
}

ProcessEnd DaemonProcess::wait() {
    int status = 0;
    const bool ended = until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) {
        ADD_FAILURE() << "bunchd did not end";
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
    }
    end_ =
        WIFEXITED(status) ? ProcessEnd{WEXITSTATUS(status), 0} : ProcessEnd{-1, WTERMSIG(status)};
    return *end_;
}

ProcessEnd DaemonProcess::stop() {
    signal(SIGTERM);
    return wait();
}

bool DaemonProcess::has_runner(const std::string& backend) {
    return std::filesystem::exists(std::string(BUNCH_BIN_DIR) + "/bunch-runner-" + backend);
}

std::vector<pid_t> DaemonProcess::runners(const std::string& backend) const {
    std::vector<pid_t> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const std::string command = contents(entry.path() / "cmdline");
        std::istringstream stat(contents(entry.path() / "stat"));
        std::string skip;
        // pid (comm) state ppid: comm of ours has no spaces.
        pid_t parent = 0;
        stat >> skip >> skip >> skip >> parent;
        if (parent == pid_ && command.find("bunch-runner-" + backend) != std::string::npos)
            pids.push_back(std::stoi(name));
    }
    return pids;
}

std::string DaemonProcess::log() const {
    return contents(folder_ + "/log");
}

bool DaemonProcess::wait_for_log(const std::string& text) const {
    return until([&] { return log().find(text) != std::string::npos; });
}

std::uint64_t DaemonProcess::resident_bytes() const {
    std::istringstream statm(contents("/proc/" + std::to_string(pid_) + "/statm"));
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string DaemonProcess::http_get(const std::string& path, int* code) const {
    const std::string text = log();
    const auto at = text.find("http_port=");
    if (at == std::string::npos) return "";
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + at + 10)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string reply;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        const std::string request =
            "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        if (::write(fd, request.data(), request.size()) > 0) {
            char part[4096];
            ssize_t bytes = 0;
            while ((bytes = ::read(fd, part, sizeof part)) > 0)
                reply.append(part, static_cast<std::size_t>(bytes));
        }
    }
    ::close(fd);
    if (code != nullptr) *code = reply.size() > 12 ? std::atoi(reply.c_str() + 9) : 0;
    const auto body = reply.find("\r\n\r\n");
    return body == std::string::npos ? "" : reply.substr(body + 4);
}

double DaemonProcess::metric(const std::string& name) const {
    std::istringstream lines(http_get("/metrics"));
    double sum = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(name, 0) != 0) continue;
        sum += std::atof(line.c_str() + line.rfind(' '));
    }
    return sum;
}

bool DaemonProcess::wait_for_metric(const std::string& name, double value) const {
    return until([&] { return metric(name) >= value; });
}

bool DaemonProcess::wait_for_requests(double count) const {
    return until(
        [&] { return metric("bunch_requests_total{") + metric("bunch_rejected_total{") >= count; });
}

std::string echo_config(const std::string& fixed, const std::string& per_row,
                        const std::string& more_of_model) {
    return "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\noptions = { fixed = \"" + fixed +
           "\", per_row = \"" + per_row +
           "\" }\n"
           "[[model]]\nname = \"echo\"\ndevices = [\"sim0\"]\n"
           "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 4] }]\n"
           "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, 4] }]\n" +
           more_of_model + "\n";
}

}  // namespace bunch
