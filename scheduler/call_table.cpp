#include "scheduler/call_table.h"

#include "core/check.h"

namespace bunch {

Index CallTable::open(const Ticket& ticket, TimePoint arrival) {
    const Index call = calls_.acquire();
    const bool is_new = by_id_.emplace(ticket.call, call).second;
    BUNCH_CHECK(is_new);
    OpenCall& record = calls_[call];
    record = {};
    record.ticket = ticket;
    record.sequence = submissions_++;
    record.arrival = arrival;
    record.unfinished_rows = ticket.rows;
    record.is_open = true;
    return call;
}

void CallTable::close(Index call) {
    BUNCH_DCHECK(calls_[call].pieces == kNone);
    calls_[call].is_open = false;
    by_id_.erase(calls_[call].ticket.call);
    calls_.release(call);
}

Index CallTable::find(CallId id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? kNone : found->second;
}

Index CallTable::add_piece(Index call, std::uint32_t first_row, std::uint32_t rows) {
    const Index index = pieces_.acquire();
    pieces_[index] = {
        call, first_row, rows, kNone, kNone, calls_[call].pieces, calls_[call].hard_deadline()};
    calls_[call].pieces = index;
    return index;
}

void CallTable::remove_piece(Index piece) {
    Index* link = &calls_[pieces_[piece].call].pieces;
    while (*link != piece) link = &pieces_[*link].sibling;
    *link = pieces_[piece].sibling;
    pieces_.release(piece);
}

}  // namespace bunch
