/// A runner whose every word is the test's, for what an honest one never says or does.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "backends/host/launcher.h"
#include "backends/wire/messages.h"

namespace bunch::test {

/// What the host did to the process, and how it is to end.
struct ScriptedProcess {
    Channel control;  ///< the runner's end
    UniqueFd ended{::eventfd(0, EFD_CLOEXEC)};
    std::optional<RunnerExit> exit;
    int terminations = 0;
    int kills = 0;
    bool dies_when_killed = true;

    void end(RunnerExit how) {
        exit = how;
        control.close();
        ::eventfd_write(ended.get(), 1);
    }

    void say(const wire::ControlMessage& message) {
        std::vector<std::byte> bytes;
        static_cast<void>(wire::encode(message, bytes));
        static_cast<void>(control.send(bytes));
    }

    /// The next message of the host that is a Message, dropping others; nothing if there is none.
    template <typename Message>
    std::optional<Message> heard() {
        for (;;) {
            const auto received = control.receive(packet);
            if (!received.ok() || *received != Received::message) return std::nullopt;
            auto message = wire::decode_control(packet.bytes());
            if (!message.ok()) return std::nullopt;
            if (auto* wanted = std::get_if<Message>(&*message)) return std::move(*wanted);
        }
    }

    Packet packet;
};

class ScriptedLauncher final : public Launcher {
  public:
    Result<LaunchedRunner> launch(const std::string&, const BackendOptions& options) override {
        BUNCH_ASSIGN_OR_RETURN(auto ends, Channel::pair());
        auto script = std::make_shared<ScriptedProcess>();
        script->control = std::move(ends.second);
        runners.push_back(script);
        last_options = options;
        return LaunchedRunner{std::make_unique<Handle>(script), std::move(ends.first)};
    }

    std::vector<std::shared_ptr<ScriptedProcess>> runners;  ///< in the order of their launch
    BackendOptions last_options;

  private:
    class Handle final : public RunnerProcess {
      public:
        explicit Handle(std::shared_ptr<ScriptedProcess> script) : script_(std::move(script)) {}
        int exit_fd() const override { return script_->ended.get(); }
        std::optional<RunnerExit> exited() override { return script_->exit; }
        void terminate() override { ++script_->terminations; }
        void kill() override {
            ++script_->kills;
            if (script_->dies_when_killed && !script_->exit) script_->end({0, 9});
        }

      private:
        std::shared_ptr<ScriptedProcess> script_;
    };
};

}  // namespace bunch::test
