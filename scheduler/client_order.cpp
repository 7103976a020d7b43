#include "scheduler/client_order.h"

#include <utility>

namespace bunch {

void ClientOrder::waits(CallTable& calls, Index model, Index call) {
    OpenCall& added = calls[call];
    if (std::exchange(added.is_in_order, true)) return;
    Index* link = &by_client_[key(model, added.ticket.client)].first;
    while (*link != kNone && calls[*link].sequence < added.sequence)
        link = &calls[*link].next_of_client;
    added.next_of_client = std::exchange(*link, call);
}

void ClientOrder::waits_no_more(CallTable& calls, Index model, Index call) {
    OpenCall& removed = calls[call];
    if (!std::exchange(removed.is_in_order, false)) return;
    const auto place = by_client_.find(key(model, removed.ticket.client));
    Index* link = &place->second.first;
    while (*link != call) link = &calls[*link].next_of_client;
    *link = std::exchange(removed.next_of_client, kNone);
    forget_if_unused(place);
}

void ClientOrder::forget_if_unused(Places::iterator place) {
    if (place->second.first == kNone && place->second.slices == 0) by_client_.erase(place);
}

}  // namespace bunch
