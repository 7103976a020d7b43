/// One end of a connection between daemon and runner: a SOCK_SEQPACKET socket, so a message arrives
/// whole or not at all, with descriptors beside it where the message needs them. Knows nothing of
/// what the messages say: that is messages.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "backends/wire/unique_fd.h"
#include "core/result.h"

namespace bunch {

/// No message is longer, in either direction.
inline constexpr std::size_t kMaxPacketBytes = 64 * 1024;

/// Descriptors that one message may carry.
inline constexpr std::size_t kMaxMessageFds = 4;

/// A received message. Reuse one: its buffer is large.
struct Packet {
    std::vector<std::byte> buffer;  ///< sized by receive(); only bytes() is the message
    std::size_t size = 0;
    std::array<UniqueFd, kMaxMessageFds> fds;
    std::size_t fd_count = 0;

    std::span<const std::byte> bytes() const { return {buffer.data(), size}; }
};

enum class Received : std::uint8_t { message, nothing, closed };

/// Used by one thread at a time; shut_down() alone may come from another.
class Channel {
  public:
    Channel() = default;
    explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}

    /// Two connected ends, close-on-exec.
    static Result<std::pair<Channel, Channel>> pair();

    /// For poll; -1 after close().
    int fd() const { return fd_.get(); }
    bool is_open() const { return fd_.valid(); }

    /// Sends one message without blocking. `unavailable`: the other end is gone;
    /// `resource_exhausted`: the socket is full; `invalid_argument`: too long. The descriptors stay
    /// the caller's.
    Status send(std::span<const std::byte> message, std::span<const int> descriptors = {});

    /// The next message, if there is one. `closed` for good when the other end is gone; a message
    /// of no bytes counts as that. A message cut off for its length, or with more descriptors than
    /// kMaxMessageFds, is an error.
    Result<Received> receive(Packet& into) { return receive(into, false); }

    /// As receive(), but waits for a message or the end: never returns `nothing`.
    Result<Received> receive_blocking(Packet& into) { return receive(into, true); }

    /// Ends the connection in both directions but keeps the descriptor: whoever waits in
    /// receive_blocking(), here or at the other end, sees `closed`.
    void shut_down();

    void close() { fd_.reset(); }

    /// Hands the descriptor to somebody else, e.g. into a message.
    UniqueFd take_fd() { return std::move(fd_); }

  private:
    Result<Received> receive(Packet& into, bool wait);

    UniqueFd fd_;
};

}  // namespace bunch
