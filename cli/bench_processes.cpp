#include "cli/bench_processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <type_traits>

namespace bunch {
namespace {

/// What a process says first: that it is ready, or why it is not.
struct Greeting {
    StatusCode code = StatusCode::ok;
    std::array<char, 512> message{};
};
static_assert(std::is_trivially_copyable_v<Greeting>);
static_assert(std::is_trivially_copyable_v<BenchCounts>);
static_assert(std::is_trivially_copyable_v<BenchWindow>);

template <typename T>
bool write_all(int fd, const T& value) {
    const char* at = reinterpret_cast<const char*>(&value);
    for (std::size_t left = sizeof value; left > 0;) {
        const ssize_t written = ::write(fd, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += written;
        left -= static_cast<std::size_t>(written);
    }
    return true;
}

template <typename T>
bool read_all(int fd, T& value) {
    char* at = reinterpret_cast<char*>(&value);
    for (std::size_t left = sizeof value; left > 0;) {
        const ssize_t got = ::read(fd, at, left);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        left -= static_cast<std::size_t>(got);
    }
    return true;
}

/// A process of the run: killed if it is still there when its owner goes.
class Process {
  public:
    static Result<Process> start(const BenchPlan& plan, std::uint32_t index);

    Process(Process&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)),
          results_(std::exchange(other.results_, -1)),
          orders_(std::exchange(other.orders_, -1)) {}
    Process& operator=(Process&&) = delete;
    ~Process() {
        if (results_ >= 0) ::close(results_);
        if (orders_ >= 0) ::close(orders_);
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    int results() const { return results_; }
    int orders() const { return orders_; }

  private:
    Process(pid_t pid, int results, int orders) : pid_(pid), results_(results), orders_(orders) {}

    pid_t pid_;
    int results_;  ///< what it says comes out here
    int orders_;   ///< what it is told goes in here
};

/// The whole life of a child.
void work(const BenchPlan& plan, std::uint32_t index, int results, int orders) {
    auto worker = BenchWorker::open(plan, index);
    Greeting greeting;
    greeting.code = worker.status().code();
    const std::string message = worker.status().message();
    message.copy(greeting.message.data(), greeting.message.size() - 1);
    if (!write_all(results, greeting) || !worker.ok()) return;
    BenchWindow window;
    if (!read_all(orders, window)) return;
    static_cast<void>(write_all(results, (*worker)->run(window)));
}

Result<Process> Process::start(const BenchPlan& plan, std::uint32_t index) {
    std::array<int, 2> results{-1, -1};
    std::array<int, 2> orders{-1, -1};
    if (::pipe2(results.data(), O_CLOEXEC) != 0 || ::pipe2(orders.data(), O_CLOEXEC) != 0) {
        for (const int fd : {results[0], results[1]})
            if (fd >= 0) ::close(fd);
        return unavailable(std::string("no pipe for a process: ") + std::strerror(errno));
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(results[0]);
        ::close(orders[1]);
        work(plan, index, results[1], orders[0]);
        ::_exit(0);
    }
    ::close(results[1]);
    ::close(orders[0]);
    Process process(pid, results[0], orders[1]);
    if (pid < 0) return unavailable(std::string("no process: ") + std::strerror(errno));
    return process;
}

Status vanished(std::size_t index) {
    return internal_error("process " + std::to_string(index) +
                          " of the benchmark ended without a result");
}

/// Returns at `until`, or earlier when a process has something to say.
void wait_until(TimePoint until, std::vector<Process>& processes) {
    std::vector<pollfd> fds;
    for (const Process& process : processes) fds.push_back({process.results(), POLLIN, 0});
    for (TimePoint at = now(); at < until; at = now()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            std::min<Duration>(until - at, std::chrono::seconds(60)));
        if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) > 0) return;
    }
}

}  // namespace

Result<BenchResult> run_bench(const BenchPlan& plan, const BenchHooks& hooks) {
    std::vector<Process> processes;
    for (std::uint32_t i = 0; i < plan.processes; ++i) {
        auto process = Process::start(plan, i);
        if (!process.ok()) return process.status();
        processes.push_back(std::move(*process));
    }
    for (std::size_t i = 0; i < processes.size(); ++i) {
        Greeting greeting;
        if (!read_all(processes[i].results(), greeting)) return vanished(i);
        if (greeting.code != StatusCode::ok) return Status(greeting.code, greeting.message.data());
    }
    // A counted run may be over before anybody could ask what it began with.
    const bool counted = plan.requests > 0;
    if (counted) hooks.at_begin();
    BenchWindow window;
    window.begin = now() + plan.warmup;
    if (!counted) window.end = window.begin + plan.duration;
    for (std::size_t i = 0; i < processes.size(); ++i)
        if (!write_all(processes[i].orders(), window)) return vanished(i);
    wait_until(window.begin, processes);
    if (!counted) hooks.at_begin();
    wait_until(window.end, processes);
    hooks.at_end();
    BenchResult result;
    for (std::size_t i = 0; i < processes.size(); ++i) {
        BenchCounts counts;
        if (!read_all(processes[i].results(), counts)) return vanished(i);
        result.counts.add(counts);
    }
    const TimePoint last{Duration(result.counts.finished_ns)};
    result.measured = counted ? last - window.begin : plan.duration;
    return result;
}

}  // namespace bunch
