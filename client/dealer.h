/// The client's end of the data protocol as a socket: a ZeroMQ DEALER and its monitor. Knows
/// frames, not requests. No exceptions leave it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "core/result.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {

/// Bytes that a request and messages in ZeroMQ's hands hold together: freed by whoever lets go
/// last, which may be ZeroMQ's own thread.
class SharedBytes {
  public:
    /// Takes over `buffer`; held once, by the caller.
    static SharedBytes* make(Buffer buffer) { return new SharedBytes(std::move(buffer)); }

    void hold() { holders_.fetch_add(1, std::memory_order_relaxed); }
    void let_go() {
        if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    bool held_once() const { return holders_.load(std::memory_order_acquire) == 1; }
    Buffer& buffer() { return buffer_; }

  private:
    explicit SharedBytes(Buffer buffer) : buffer_(std::move(buffer)) {}

    std::atomic<int> holders_{1};
    Buffer buffer_;
};

/// One frame to send: bytes that are copied, or shared ones that are not.
struct OutFrame {
    std::span<const std::byte> bytes;
    SharedBytes* shared = nullptr;
};

/// Used by one thread.
class Dealer {
  public:
    enum class Event { none, connected, disconnected };
    enum class Sent { yes, would_block, failed };

    /// Not connected; good for nothing but being assigned to.
    Dealer() = default;

    /// Connects in the background. invalid_argument for an endpoint that ZeroMQ refuses.
    static Result<Dealer> connect(zmq::context_t& context, const std::string& endpoint);

    /// Sends all frames as one message, or none. Never blocks.
    Sent send(std::span<const OutFrame> frames);

    /// The next message, if one is there; at most `max_frames`, more are dropped and counted as
    /// one frame too many. Valid until the next call.
    bool receive(std::vector<zmq::message_t>& frames, std::size_t max_frames);

    /// The next change of the connection, if there is one.
    Event next_event();

    /// Waits until a message or an event is there, `fd` (if not -1) is readable, or time is up.
    void wait(Duration timeout, int fd);

  private:
    zmq::socket_t socket_;
    zmq::socket_t monitor_;
};

/// The bytes of a received frame: copied if small, else held without a copy.
Buffer buffer_of(zmq::message_t&& frame);

}  // namespace bunch
