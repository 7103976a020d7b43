#include "bench/farm/crowd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/check.h"

namespace bunch::farm {
namespace {

constexpr char kReady = 'r', kDone = 'd', kFailed = 'f';
constexpr Duration kProgressPeriod = std::chrono::milliseconds(200);

/// Both ends of a pipe, closed with it.
class Pipe {
  public:
    Pipe() { BUNCH_CHECK(pipe2(ends_.data(), O_CLOEXEC) == 0); }
    Pipe(Pipe&& other) noexcept : ends_(std::exchange(other.ends_, {-1, -1})) {}
    Pipe& operator=(Pipe&&) = delete;
    ~Pipe() {
        close_reader();
        close_writer();
    }
    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    void close_reader() { drop(ends_[0]); }
    void close_writer() { drop(ends_[1]); }

  private:
    static void drop(int& fd) {
        if (fd >= 0) close(std::exchange(fd, -1));
    }
    std::array<int, 2> ends_{};
};

void set_text(std::array<char, 256>& target, const std::string& text) {
    const std::size_t length = std::min(text.size(), target.size() - 1);
    std::memcpy(target.data(), text.data(), length);
    target[length] = 0;
}

/// The forked workers of one run; its destructor ends those that are left.
class Crowd {
  public:
    explicit Crowd(std::size_t workers) : tallies_(workers), window_(1), children_(workers) {}
    Crowd(const Crowd&) = delete;
    ~Crowd();

    void fork_all(const WorkerBody& body);
    Status wait_for_ready();
    void open_window(const CrowdPlan& plan);
    Status wait_for_end(const CrowdEvents& events);
    CrowdResult result(std::size_t kind, std::size_t kinds) const;

  private:
    struct Child {
        pid_t pid = -1;
        Pipe report;
        char last = 0;  ///< what it wrote last
    };

    [[noreturn]] void run_child(std::size_t index, const WorkerBody& body);
    /// Reads reports until `until`; fails once a worker ended that was not done.
    Status watch(TimePoint until);
    Status lost(std::size_t index);
    bool all(char state) const;
    std::uint64_t finished() const;

    const pid_t parent_ = getpid();
    SharedArray<Tally> tallies_;
    SharedArray<Window> window_;
    Pipe start_;
    TimePoint started_{};
    std::vector<Child> children_;
};

Crowd::~Crowd() {
    for (const Child& child : children_)
        if (child.pid > 0) kill(child.pid, SIGKILL);
    for (const Child& child : children_)
        if (child.pid > 0) waitpid(child.pid, nullptr, 0);
}

void Crowd::fork_all(const WorkerBody& body) {
    for (std::size_t index = 0; index < children_.size(); ++index) {
        const pid_t pid = fork();
        BUNCH_CHECK(pid >= 0);
        if (pid == 0) run_child(index, body);
        children_[index].pid = pid;
        children_[index].report.close_writer();
    }
    start_.close_reader();
}

void Crowd::run_child(std::size_t index, const WorkerBody& body) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent_) _exit(1);  // it went before that
    start_.close_writer();
    const int report = children_[index].report.writer();
    Tally& tally = tallies_[index];
    Worker worker(index, tally, window_[0], report, start_.reader());
    const Status status = body(worker);
    if (!status.ok()) set_text(tally.first_error, status.to_string());
    const char word = status.ok() ? kDone : kFailed;
    // The parent's destructors are not this process's to run.
    _exit(write(report, &word, 1) == 1 ? 0 : 1);
}

Status Crowd::wait_for_ready() {
    while (!all(kReady)) BUNCH_RETURN_IF_ERROR(watch(now() + kProgressPeriod));
    return ok_status();
}

void Crowd::open_window(const CrowdPlan& plan) {
    started_ = now();
    window_[0] = {started_ + plan.warm_up, started_ + plan.warm_up + plan.measured};
    start_.close_writer();
}

Status Crowd::wait_for_end(const CrowdEvents& events) {
    const Window window = window_[0];
    bool begun = false, ended = false;
    while (!all(kDone)) {
        const TimePoint edge = !begun ? window.begin : !ended ? window.end : kNever;
        BUNCH_RETURN_IF_ERROR(watch(std::min(edge, now() + kProgressPeriod)));
        if (!begun && now() >= window.begin) {
            begun = true;
            if (events.on_begin) events.on_begin();
        }
        if (!ended && now() >= window.end) {
            ended = true;
            if (events.on_end) events.on_end();
        }
        const double over = to_seconds(now() - started_) / to_seconds(window.end - started_);
        if (events.on_progress) events.on_progress(std::min(over, 1.0), finished());
    }
    for (Child& child : children_) waitpid(std::exchange(child.pid, -1), nullptr, 0);
    return ok_status();
}

Status Crowd::watch(TimePoint until) {
    std::vector<pollfd> polled;
    for (const Child& child : children_)
        polled.push_back({child.last == kDone ? -1 : child.report.reader(), POLLIN, 0});
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
    const int ready = poll(polled.data(), polled.size(), static_cast<int>(std::max(wait, 0L)));
    if (ready < 0 && errno != EINTR)
        return internal_error(std::string("poll of the workers failed: ") + std::strerror(errno));
    for (std::size_t index = 0; ready > 0 && index < polled.size(); ++index) {
        if (polled[index].revents == 0) continue;
        Child& child = children_[index];
        const bool spoke = read(child.report.reader(), &child.last, 1) == 1;
        if (!spoke || child.last == kFailed) return lost(index);
    }
    return ok_status();
}

Status Crowd::lost(std::size_t index) {
    int status = 0;
    waitpid(std::exchange(children_[index].pid, -1), &status, 0);
    const std::string who = "worker " + std::to_string(index);
    const std::string said = tallies_[index].first_error.data();
    if (WIFSIGNALED(status))
        return internal_error(who + " was ended by signal " + std::to_string(WTERMSIG(status)));
    return internal_error(who + " gave up: " + (said.empty() ? "it left without a word" : said));
}

bool Crowd::all(char state) const {
    return std::all_of(children_.begin(), children_.end(),
                       [&](const Child& child) { return child.last == state; });
}

std::uint64_t Crowd::finished() const {
    std::uint64_t sum = 0;
    for (const Tally& tally : tallies_.all()) sum += tally.finished;
    return sum;
}

CrowdResult Crowd::result(std::size_t kind, std::size_t kinds) const {
    CrowdResult result;
    result.seconds = to_seconds(window_[0].end - window_[0].begin);
    for (std::size_t index = kind; index < children_.size(); index += kinds) {
        const Tally& tally = tallies_[index];
        ++result.workers;
        result.rows += tally.rows;
        result.mismatches += tally.mismatches;
        result.swapped += tally.swapped;
        result.errors += tally.errors;
        result.max_deviation = std::max(result.max_deviation, tally.max_deviation);
        result.latencies.merge(tally.latencies);
        if (result.first_error.empty()) result.first_error = tally.first_error.data();
    }
    result.requests = result.latencies.count();
    return result;
}

}  // namespace

const Window& Worker::wait_for_start() {
    char byte = kReady;
    BUNCH_CHECK(write(ready_fd_, &byte, 1) == 1);
    // Nobody ever writes into it: the end of the file is the signal.
    while (read(start_fd_, &byte, 1) < 0 && errno == EINTR) {
    }
    return window_;
}

void Worker::answered(TimePoint begin, TimePoint end, std::uint64_t rows, const Verdict& verdict) {
    tally_.finished.fetch_add(1, std::memory_order_relaxed);
    // A wrong answer is wrong whenever it comes; only rates and latencies need the window.
    tally_.mismatches += verdict.mismatch ? 1 : 0;
    tally_.swapped += verdict.swapped ? 1 : 0;
    tally_.max_deviation = std::max(tally_.max_deviation, verdict.deviation);
    if (!counts(end)) return;
    tally_.rows += rows;
    tally_.latencies.add(end - begin);
}

void Worker::failed(const std::string& why) {
    tally_.finished.fetch_add(1, std::memory_order_relaxed);
    ++tally_.errors;
    if (tally_.first_error[0] == 0) set_text(tally_.first_error, why);
}

Result<CrowdResult> run_crowd(const CrowdPlan& plan, const WorkerBody& body,
                              const CrowdEvents& events) {
    BUNCH_ASSIGN_OR_RETURN(const auto results, run_mixed_crowd(plan, 1, body, events));
    return results.front();
}

Result<std::vector<CrowdResult>> run_mixed_crowd(const CrowdPlan& plan, std::size_t kinds,
                                                 const WorkerBody& body,
                                                 const CrowdEvents& events) {
    Crowd crowd(plan.workers);
    crowd.fork_all(body);
    BUNCH_RETURN_IF_ERROR(crowd.wait_for_ready());
    crowd.open_window(plan);
    BUNCH_RETURN_IF_ERROR(crowd.wait_for_end(events));
    std::vector<CrowdResult> results;
    for (std::size_t kind = 0; kind < kinds; ++kind) results.push_back(crowd.result(kind, kinds));
    return results;
}

}  // namespace bunch::farm
