/// One lane of a runner at work: a thread that takes batches from the lane channel, gives them to
/// the backend's Lane, and sends back what became of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "backends/runner/backend.h"
#include "backends/runner/loaded_models.h"
#include "backends/wire/arena.h"
#include "backends/wire/channel.h"
#include "backends/wire/messages.h"

namespace bunch {

class LaneThread {
  public:
    /// Starts the thread. `models` must outlive this object.
    LaneThread(std::unique_ptr<Lane> lane, Channel channel, Arena arena, std::uint32_t slots,
               const LoadedModels& models);

    /// Ends the connection and waits for the thread, so for what the backend is running.
    ~LaneThread();

  private:
    void run();
    bool accept();
    Status begin(const wire::RunBatch& batch);
    bool collect(TimePoint until);
    bool finish(const wire::RunBatch& batch, Completion&& completion);

    struct Slot {
        bool in_use = false;
        wire::RunBatch batch;
    };

    // The arena before the lane, which may have pinned it and goes first.
    Arena arena_;
    Channel channel_;
    std::unique_ptr<Lane> lane_;
    const LoadedModels& models_;
    std::vector<Slot> slots_;
    std::uint32_t in_flight_ = 0;
    wire::RunBatch incoming_batch_;
    Packet incoming_;
    wire::BatchDone done_;
    std::vector<std::byte> outgoing_;
    std::vector<ConstTensorView> inputs_;
    std::vector<TensorView> outputs_;
    std::thread thread_;
};

}  // namespace bunch
