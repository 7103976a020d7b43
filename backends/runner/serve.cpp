#include "backends/runner/serve.h"

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/runner/guard.h"
#include "backends/runner/lane_thread.h"
#include "backends/runner/loaded_models.h"
#include "backends/wire/arena.h"
#include "backends/wire/messages.h"

namespace bunch {
namespace {

using namespace wire;

class Service {
  public:
    Service(Channel& control, Backend& backend) : control_(control), backend_(backend) {}

    int run() {
        // From any thread: a message is one system call.
        backend_.on_fault([this](const DeviceFault& fault) {
            std::vector<std::byte> message;
            if (encode(Fault{fault}, message).ok()) static_cast<void>(control_.send(message));
        });
        if (!send(Hello{backend_.device()})) return 1;
        Packet packet;
        while (!stopped_) {
            const auto received = control_.receive_blocking(packet);
            if (!received.ok() || *received == Received::closed) return 1;
            const auto message = decode_control(packet.bytes());
            if (!message.ok()) return 1;
            const bool well =
                std::visit([&](const auto& body) { return handle(body, packet); }, *message);
            if (!well) return 1;
        }
        return 0;
    }

  private:
    bool handle(const OpenLane& request, Packet& packet) {
        return send(LaneOpened{request.index, open_lane(request, packet)});
    }

    bool handle(const Load& request, Packet&) {
        Loaded answer{request.model, {}, {}};
        auto loaded = guarded("loading the model",
                              [&] { return backend_.load(request.model, request.spec); });
        answer.status = loaded.status();
        if (loaded.ok()) {
            answer.loaded = *loaded;
            models_.add(request.model, *loaded);
        }
        const Status sendable = encode(answer, outgoing_);
        if (sendable.ok()) return control_.send(outgoing_).ok();
        forget(request.model);
        return send(Loaded{request.model, sendable, {}});
    }

    bool handle(const Unload& request, Packet&) {
        forget(request.model);
        return true;
    }

    bool handle(const Activate& request, Packet&) {
        return send(Activated{request.model, guarded("configuring the device", [&] {
                                  return backend_.activate(request.model);
                              })});
    }

    bool handle(const Ping& request, Packet&) {
        const auto readings = guarded(
            "reading the sensors", [&]() -> Result<DeviceReadings> { return backend_.readings(); });
        return send(Pong{request.number, readings.ok() ? *readings : DeviceReadings{}});
    }

    bool handle(const Stop&, Packet&) {
        stopped_ = true;
        return true;
    }

    /// Everything else is what runners say.
    template <typename Message>
    bool handle(const Message&, Packet&) {
        return false;
    }

    Status open_lane(const OpenLane& request, Packet& packet) {
        if (request.index >= backend_.device().lanes || lanes_.count(request.index) != 0) {
            return invalid_argument("lane " + std::to_string(request.index) +
                                    " does not exist or is open");
        }
        if (packet.fd_count != 2) return invalid_argument("a lane needs a channel and an arena");
        BUNCH_ASSIGN_OR_RETURN(Arena arena,
                               Arena::attach(std::move(packet.fds[1]), request.arena_bytes));
        BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<Lane> lane, guarded("opening a lane", [&] {
                                   return backend_.open_lane(request.index, arena.bytes());
                               }));
        lanes_[request.index] =
            std::make_unique<LaneThread>(std::move(lane), Channel(std::move(packet.fds[0])),
                                         std::move(arena), request.slots, models_);
        return ok_status();
    }

    void forget(ModelId model) {
        models_.remove(model);
        static_cast<void>(guarded("unloading a model", [&] {
            backend_.unload(model);
            return ok_status();
        }));
    }

    bool send(const ControlMessage& message) {
        return encode(message, outgoing_).ok() && control_.send(outgoing_).ok();
    }

    Channel& control_;
    Backend& backend_;
    LoadedModels models_;
    std::map<std::uint32_t, std::unique_ptr<LaneThread>> lanes_;
    std::vector<std::byte> outgoing_;
    bool stopped_ = false;
};

int refuse(Channel& control, const Status& reason) {
    std::vector<std::byte> message;
    if (encode(Refused{reason.message()}, message).ok()) static_cast<void>(control.send(message));
    return kExitRefused;
}

}  // namespace

int serve(Channel control, const std::function<Result<std::unique_ptr<Backend>>()>& make) {
    auto backend = guarded("opening the device", make);
    if (!backend.ok()) return refuse(control, backend.status());
    return Service(control, **backend).run();
}

}  // namespace bunch
