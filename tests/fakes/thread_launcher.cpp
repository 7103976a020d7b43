#include "tests/fakes/thread_launcher.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "backends/runner/serve.h"
#include "backends/wire/unique_fd.h"
#include "core/check.h"

namespace bunch::test {
namespace {

/// What the thread, the host and a crashing fake share. Any thread.
class Fate {
  public:
    explicit Fate(int control) : control_(::dup(control)), ended_fd_(::eventfd(0, EFD_CLOEXEC)) {
        BUNCH_CHECK(control_.valid() && ended_fd_.valid());
    }

    int ended_fd() const { return ended_fd_.get(); }

    void cut(int signal) {
        const std::lock_guard lock(mutex_);
        if (exit_) return;
        if (signal_ == 0) signal_ = signal;
        ::shutdown(control_.get(), SHUT_RDWR);
    }

    void end(int code) {
        const std::lock_guard lock(mutex_);
        exit_ = RunnerExit{signal_ == 0 ? code : 0, signal_};
        const std::uint64_t one = 1;
        BUNCH_CHECK(::write(ended_fd_.get(), &one, sizeof one) == sizeof one);
    }

    std::optional<RunnerExit> exited() const {
        const std::lock_guard lock(mutex_);
        return exit_;
    }

  private:
    mutable std::mutex mutex_;
    UniqueFd control_;
    UniqueFd ended_fd_;
    int signal_ = 0;
    std::optional<RunnerExit> exit_;
};

class ThreadRunner final : public RunnerProcess {
  public:
    ThreadRunner(std::shared_ptr<Fate> fate, std::function<int()> serve_all)
        : fate_(std::move(fate)),
          thread_([fate = fate_, serve_all = std::move(serve_all)] { fate->end(serve_all()); }) {}

    ~ThreadRunner() override {
        fate_->cut(SIGKILL);
        thread_.join();
    }

    int exit_fd() const override { return fate_->ended_fd(); }
    std::optional<RunnerExit> exited() override { return fate_->exited(); }
    void terminate() override { fate_->cut(SIGTERM); }
    void kill() override { fate_->cut(SIGKILL); }

  private:
    std::shared_ptr<Fate> fate_;
    std::thread thread_;
};

using MakeWithCrash = std::function<Result<std::unique_ptr<Backend>>(const BackendOptions& options,
                                                                     std::function<void()> crash)>;

class ThreadLauncher final : public Launcher {
  public:
    explicit ThreadLauncher(MakeWithCrash make) : make_(std::move(make)) {}

    Result<LaunchedRunner> launch(const std::string&, const BackendOptions& options) override {
        BUNCH_ASSIGN_OR_RETURN(auto ends, Channel::pair());
        const auto fate = std::make_shared<Fate>(ends.second.fd());
        // Shared, because a std::function must be copyable and a channel is not.
        const auto control = std::make_shared<Channel>(std::move(ends.second));
        auto process = std::make_unique<ThreadRunner>(fate, [=, make = make_] {
            return serve(std::move(*control),
                         [&] { return make(options, [fate] { fate->cut(SIGSEGV); }); });
        });
        return LaunchedRunner{std::move(process), std::move(ends.first)};
    }

  private:
    MakeWithCrash make_;
};

}  // namespace

std::unique_ptr<Launcher> thread_launcher(MakeBackend make) {
    return std::make_unique<ThreadLauncher>(
        [make = std::move(make)](const BackendOptions& options, const std::function<void()>&) {
            return make(options);
        });
}

std::unique_ptr<Launcher> thread_launcher(std::shared_ptr<FakeDevice> device) {
    return std::make_unique<ThreadLauncher>(
        [device = std::move(device)](const BackendOptions&, std::function<void()> crash) {
            return FakeDevice::make(device, std::move(crash));
        });
}

}  // namespace bunch::test
