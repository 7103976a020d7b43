/// The calls that have not ended, found by their id, and the pieces of them that wait. Storage
/// only: the order in which pieces wait is kept by model_queue.h.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <unordered_map>

#include "core/call.h"
#include "core/time.h"
#include "scheduler/slab.h"

namespace bunch {

/// Rows of a call that wait together. A call is one piece until it is cut, or comes back from a
/// lost lane in parts.
struct Piece {
    Index call = kNone;
    std::uint32_t first_row = 0;
    std::uint32_t rows = 0;
    Index before = kNone;         ///< in its line
    Index after = kNone;          ///< in its line
    Index sibling = kNone;        ///< next piece of the same call, in no order
    TimePoint deadline = kNever;  ///< OpenCall::hard_deadline(), here since lines are walked by it
};

/// A slice that is not in a queue, with the record of its call; valid while CallTable::is_open().
struct HeldSlice {
    Index call = kNone;
    Slice slice;
    ClientId client{};  ///< if the order of its calls is kept, else 0
};

struct OpenCall {
    Ticket ticket;
    std::uint64_t sequence = 0;  ///< counts submissions: the order of waiting
    TimePoint arrival;
    std::uint32_t queued_rows = 0;      ///< not on a lane
    std::uint32_t unfinished_rows = 0;  ///< queued or on a lane
    Index pieces = kNone;               ///< first of its waiting pieces
    double work = 0;                    ///< what it counts for its tenant, see fair_share.h
    std::uint16_t tier = 0;             ///< see model_queue.h
    Index next_of_client = kNone;       ///< see client_order.h
    bool is_ordered = false;            ///< begins behind the older calls of its client
    bool is_in_order = false;           ///< and some of its rows wait to
    bool is_late = false;               ///< wanted although its deadline cannot be met
    bool is_open = false;

    /// After it an answer is of no use, or, once it cannot be met, of less use.
    TimePoint hard_deadline() const { return is_late ? kNever : ticket.deadline; }
};

class CallTable {
  public:
    CallTable() : by_id_(&nodes_) {}

    /// Needs a call that is not open.
    Index open(const Ticket& ticket, TimePoint arrival);

    /// The record is reused by a later call: keep no index beyond this.
    void close(Index call);

    /// The record of an open call, or kNone.
    Index find(CallId id) const;

    /// Whether the call of a slice that was taken from a queue earlier has not ended since.
    bool is_open(const HeldSlice& held) const {
        const OpenCall& call = calls_[held.call];
        return call.is_open && call.ticket.call == held.slice.call;
    }

    OpenCall& operator[](Index call) { return calls_[call]; }
    const OpenCall& operator[](Index call) const { return calls_[call]; }
    std::size_t size() const { return by_id_.size(); }

    /// Calls with waiting rows, of all models; counted by the queues.
    std::size_t waiting() const { return waiting_; }
    void count_waiting() { ++waiting_; }
    void uncount_waiting() { --waiting_; }

    Index add_piece(Index call, std::uint32_t first_row, std::uint32_t rows);
    void remove_piece(Index piece);
    Piece& piece(Index index) { return pieces_[index]; }
    const Piece& piece(Index index) const { return pieces_[index]; }

  private:
    Slab<OpenCall> calls_;
    Slab<Piece> pieces_;
    std::pmr::unsynchronized_pool_resource nodes_;
    std::pmr::unordered_map<CallId, Index> by_id_;
    std::uint64_t submissions_ = 0;
    std::size_t waiting_ = 0;
};

}  // namespace bunch
