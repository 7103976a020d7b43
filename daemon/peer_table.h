/// The clients of a socket, and what each holds of the daemon's memory. Used by the reactor
/// thread, but for the bytes of unsent replies, which ZeroMQ's own thread gives back.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bunch {

/// Bytes of replies that a socket has taken but not yet sent, of one peer and of all.
struct UnsentReplies {
    std::atomic<std::int64_t> bytes{0};
};

struct Peer {
    std::string routing_id;
    std::uint32_t index = 0;          ///< finds the peer again as long as it has something open
    std::uint64_t request_bytes = 0;  ///< of its open calls
    std::uint32_t open_calls = 0;
    UnsentReplies unsent;
    bool used = false;

    bool is_idle() const {
        return open_calls == 0 && unsent.bytes.load(std::memory_order_relaxed) == 0;
    }
};

class PeerTable {
  public:
    explicit PeerTable(std::size_t max_peers) : max_peers_(max_peers) {}

    /// The peer of that routing id, added when it is new; null if the table is full of peers that
    /// all have something open. Peers never move.
    Peer* find_or_add(std::string_view routing_id);

    Peer& at(std::uint64_t index) { return peers_[index]; }

    std::size_t size() const { return by_id_.size(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };

    void forget_idle();

    std::size_t max_peers_;
    std::deque<Peer> peers_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> by_id_;
};

}  // namespace bunch
