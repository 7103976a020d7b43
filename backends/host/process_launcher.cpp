#include "backends/host/process_launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

// glibc 2.36 forgot to say that these are C.
extern "C" {
#include <sys/pidfd.h>
}

namespace bunch {
namespace {

constexpr int kControlFd = 3;
constexpr int kErrorFd = 4;
constexpr int kFirstFreeFd = 10;  // above both, so that neither is in the other's way

// By number: <sys/pidfd.h> of glibc 2.36 cannot be used from C++, it declares no C linkage.
int open_pidfd(pid_t process) {
    return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

void send_signal(int pidfd, int signal) {
    ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

Status failed(const std::string& what, int error) {
    return unavailable(what + ": " + std::strerror(error));
}

class ForkedRunner final : public RunnerProcess {
  public:
    explicit ForkedRunner(UniqueFd pidfd) : pidfd_(std::move(pidfd)) {}

    ~ForkedRunner() override {
        if (exit_) return;
        ForkedRunner::kill();
        wait(0);
    }

    int exit_fd() const override { return pidfd_.get(); }

    std::optional<RunnerExit> exited() override {
        if (!exit_) wait(WNOHANG);
        return exit_;
    }

    void terminate() override { send(SIGTERM); }
    void kill() override { send(SIGKILL); }

  private:
    void send(int signal) {
        if (!exit_) send_signal(pidfd_.get(), signal);
    }

    void wait(int options) {
        siginfo_t info{};
        int result = 0;
        do {
            result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | options);
        } while (result != 0 && errno == EINTR);
        if (result != 0) {
            exit_ = RunnerExit{};  // somebody else reaped it: gone is gone
        } else if (info.si_pid != 0) {
            const bool by_itself = info.si_code == CLD_EXITED;
            exit_ = RunnerExit{by_itself ? info.si_status : 0, by_itself ? 0 : info.si_status};
        }
    }

    UniqueFd pidfd_;
    std::optional<RunnerExit> exit_;
};

/// All that the child needs, made before the fork: in the child of a process with threads nothing
/// but system calls is allowed.
struct ChildPlan {
    std::string program;
    std::vector<std::string> arguments;
    std::vector<char*> argv;
    UniqueFd control;
    UniqueFd errors;  ///< takes the errno of a failed exec; closed by one that succeeds
    pid_t parent = 0;
};

[[noreturn]] void become_runner(const ChildPlan& plan) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(1);  // it died before the line above took effect
    const int null = ::open("/dev/null", O_RDONLY);
    const bool wired = ::dup2(null, STDIN_FILENO) >= 0 &&
                       ::dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 &&
                       ::dup2(plan.control.get(), kControlFd) >= 0 &&
                       ::dup3(plan.errors.get(), kErrorFd, O_CLOEXEC) >= 0 &&
                       ::close_range(kErrorFd + 1, ~0U, 0) == 0;
    if (wired) ::execv(plan.program.c_str(), plan.argv.data());
    const int error = errno;
    static_cast<void>(!::write(kErrorFd, &error, sizeof error));
    ::_exit(127);
}

Result<UniqueFd> raised(int fd) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstFreeFd));
    if (!copy.valid()) return failed("cannot duplicate a descriptor for a runner", errno);
    return copy;
}

/// 0 once the child runs the program, else the errno of what went wrong.
int exec_error(int pipe) {
    int error = 0;
    ssize_t size = 0;
    do {
        size = ::read(pipe, &error, sizeof error);
    } while (size < 0 && errno == EINTR);
    return size == sizeof error ? error : 0;
}

Result<std::unique_ptr<RunnerProcess>> spawn(ChildPlan plan) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return failed("cannot make a pipe for a runner", errno);
    const UniqueFd reading(pipe[0]);
    UniqueFd writing(pipe[1]);
    BUNCH_ASSIGN_OR_RETURN(plan.errors, raised(writing.get()));
    writing.reset();
    plan.parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) become_runner(plan);
    if (child < 0) return failed("cannot start '" + plan.program + "'", errno);
    plan.errors.reset();
    UniqueFd pidfd(open_pidfd(child));
    if (!pidfd.valid()) {
        const int error = errno;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        return failed("cannot watch '" + plan.program + "'", error);
    }
    auto runner = std::make_unique<ForkedRunner>(std::move(pidfd));
    if (const int error = exec_error(reading.get()); error != 0)
        return failed("cannot start '" + plan.program + "'", error);
    return std::unique_ptr<RunnerProcess>(std::move(runner));
}

class ProcessLauncher final : public Launcher {
  public:
    explicit ProcessLauncher(std::string runner_dir) : runner_dir_(std::move(runner_dir)) {}

    Result<LaunchedRunner> launch(const std::string& backend,
                                  const BackendOptions& options) override {
        if (backend.empty() || backend.find('/') != std::string::npos)
            return invalid_argument("backend = \"" + backend + "\" is not the name of a backend");
        ChildPlan plan;
        plan.program = runner_dir_ + "/bunch-runner-" + backend;
        if (::access(plan.program.c_str(), X_OK) != 0) {
            return failed(
                "backend '" + backend + "' is not installed: no program '" + plan.program + "'",
                errno);
        }
        plan.arguments = {plan.program, "--control-fd", std::to_string(kControlFd)};
        for (const auto& [key, value] : options) {
            plan.arguments.emplace_back("--option");
            plan.arguments.push_back(key + "=" + value);
        }
        for (std::string& argument : plan.arguments) plan.argv.push_back(argument.data());
        plan.argv.push_back(nullptr);
        BUNCH_ASSIGN_OR_RETURN(auto ends, Channel::pair());
        BUNCH_ASSIGN_OR_RETURN(plan.control, raised(ends.second.fd()));
        BUNCH_ASSIGN_OR_RETURN(auto process, spawn(std::move(plan)));
        return LaunchedRunner{std::move(process), std::move(ends.first)};
    }

  private:
    std::string runner_dir_;
};

}  // namespace

std::unique_ptr<Launcher> process_launcher(std::string runner_dir) {
    return std::make_unique<ProcessLauncher>(std::move(runner_dir));
}

}  // namespace bunch
