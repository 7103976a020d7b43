#include "daemon/peer_table.h"

namespace bunch {

Peer* PeerTable::find_or_add(std::string_view routing_id) {
    const auto known = by_id_.find(routing_id);
    if (known != by_id_.end()) return &peers_[known->second];
    if (by_id_.size() >= max_peers_) forget_idle();
    if (by_id_.size() >= max_peers_) return nullptr;
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(peers_.size()));
        peers_.emplace_back().index = free_.back();
    }
    Peer& peer = peers_[free_.back()];
    free_.pop_back();
    peer.routing_id = routing_id;
    peer.used = true;
    by_id_.emplace(routing_id, peer.index);
    return &peer;
}

void PeerTable::forget_idle() {
    for (Peer& peer : peers_) {
        if (!peer.used || !peer.is_idle()) continue;
        by_id_.erase(peer.routing_id);
        peer.used = false;
        free_.push_back(peer.index);
    }
}

}  // namespace bunch
