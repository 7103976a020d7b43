/// Models whose calls of one client begin in order: the calls of each client that wait, oldest
/// first, and which clients have calls on a lane. Only told of calls whose order is kept.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <unordered_map>

#include "core/ids.h"
#include "scheduler/call_table.h"
#include "scheduler/slab.h"

namespace bunch {

class ClientOrder {
  public:
    ClientOrder() : by_client_(&nodes_) {}

    /// Rows of the call wait (again); no change if some waited already.
    void waits(CallTable& calls, Index model, Index call);

    /// No row of the call waits any more; no change if none waited.
    void waits_no_more(CallTable& calls, Index model, Index call);

    /// A slice of the client's went to the lane.
    void went(Index model, ClientId client, Index lane) {
        Place& place = by_client_[key(model, client)];
        ++place.slices;
        place.lane = lane;
    }

    /// One of those slices is not there any more.
    void left(Index model, ClientId client) {
        const auto found = by_client_.find(key(model, client));
        --found->second.slices;
        forget_if_unused(found);
    }

    /// Whether a waiting call of the client may go to the lane now: none of its older calls waits,
    /// and nothing of it is elsewhere.
    bool may_go(Index model, ClientId client, Index call, Index lane) const {
        const Place& place = by_client_.find(key(model, client))->second;
        return place.first == call && (place.slices == 0 || place.lane == lane);
    }

    /// Whether nothing of the client is on another lane.
    bool is_not_elsewhere(Index model, ClientId client, Index lane) const {
        const auto found = by_client_.find(key(model, client));
        return found == by_client_.end() || found->second.slices == 0 || found->second.lane == lane;
    }

  private:
    struct Place {
        Index first = kNone;  ///< its oldest call that waits; the others follow it
        Index lane = kNone;
        std::uint32_t slices = 0;  ///< on that lane
    };
    using Places = std::pmr::unordered_map<std::uint64_t, Place>;

    static std::uint64_t key(Index model, ClientId client) {
        return client.value * 0x9E3779B97F4A7C15u + model;
    }
    void forget_if_unused(Places::iterator place);

    std::pmr::unsynchronized_pool_resource nodes_;
    Places by_client_;
};

}  // namespace bunch
