#include "scheduler/model_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/check.h"

namespace bunch {
namespace {

constexpr std::size_t kEmptyLinesKept = 64;  // before those without pieces are dropped

}  // namespace

std::size_t ModelQueue::line_of(const OpenCall& call) {
    const auto key = std::tuple(call.tier, call.ticket.shape_class);
    const auto before = [](const Line& line, const auto& wanted) {
        return std::tuple(line.tier, line.shape_class) < wanted;
    };
    auto found = std::lower_bound(lines_.begin(), lines_.end(), key, before);
    if (found == lines_.end() || std::tuple(found->tier, found->shape_class) != key) {
        if (lines_.size() >= kEmptyLinesKept) {
            std::erase_if(lines_, [](const Line& line) { return line.head == kNone; });
            found = std::lower_bound(lines_.begin(), lines_.end(), key, before);
        }
        found = lines_.insert(found, {call.tier, call.ticket.shape_class, kNone, kNone, 0});
    }
    return static_cast<std::size_t>(found - lines_.begin());
}

void ModelQueue::link(CallTable& calls, Line& line, Index piece, Index before) {
    Piece& added = calls.piece(piece);
    added.before = before;
    added.after = before == kNone ? line.head : calls.piece(before).after;
    (before == kNone ? line.head : calls.piece(before).after) = piece;
    (added.after == kNone ? line.tail : calls.piece(added.after).before) = piece;
    line.rows += added.rows;
}

void ModelQueue::unlink(CallTable& calls, Line& line, Index piece) {
    const Piece& removed = calls.piece(piece);
    (removed.before == kNone ? line.head : calls.piece(removed.before).after) = removed.after;
    (removed.after == kNone ? line.tail : calls.piece(removed.after).before) = removed.before;
    line.rows -= removed.rows;
}

void ModelQueue::count_in(CallTable& calls, Index index, std::uint32_t rows) {
    OpenCall& call = calls[index];
    if (call.queued_rows == 0) {
        ++calls_;
        calls.count_waiting();
        bytes_ += call.ticket.bytes;
    }
    call.queued_rows += rows;
    rows_ += rows;
}

void ModelQueue::count_out(CallTable& calls, Index index, std::uint32_t rows) {
    OpenCall& call = calls[index];
    BUNCH_DCHECK(call.queued_rows >= rows);
    call.queued_rows -= rows;
    rows_ -= rows;
    if (call.queued_rows == 0) {
        --calls_;
        calls.uncount_waiting();
        bytes_ -= call.ticket.bytes;
    }
}

void ModelQueue::push_back(CallTable& calls, Index call) {
    OpenCall& record = calls[call];
    Line& line = lines_[line_of(record)];
    const Index piece = calls.add_piece(call, 0, record.ticket.rows);
    link(calls, line, piece, line.tail);
    count_in(calls, call, record.ticket.rows);
}

void ModelQueue::put_back(CallTable& calls, const HeldSlice& held) {
    OpenCall& record = calls[held.call];
    Line& line = lines_[line_of(record)];
    const auto place = std::tuple(record.sequence, held.slice.first_row);
    Index before = kNone;
    Index next = line.head;
    while (next != kNone) {
        const Piece& other = calls.piece(next);
        if (place < std::tuple(calls[other.call].sequence, other.first_row)) break;
        before = std::exchange(next, other.after);
    }
    link(calls, line, calls.add_piece(held.call, held.slice.first_row, held.slice.rows), before);
    count_in(calls, held.call, held.slice.rows);
}

void ModelQueue::change_tier(CallTable& calls, Index index, Tier tier) {
    OpenCall& record = calls[index];
    std::vector<Slice> slices;
    while (record.pieces != kNone) {
        const Piece& piece = calls.piece(record.pieces);
        slices.push_back({record.ticket.call, piece.first_row, piece.rows});
        unlink(calls, lines_[line_of(record)], record.pieces);
        calls.remove_piece(record.pieces);
    }
    record.tier = tier;
    for (const Slice& slice : slices) {
        Line& line = lines_[line_of(record)];
        Index before = line.tail;  // it is newer than most
        while (before != kNone && calls[calls.piece(before).call].sequence > record.sequence)
            before = calls.piece(before).before;
        link(calls, line, calls.add_piece(index, slice.first_row, slice.rows), before);
    }
}

void ModelQueue::add_suspects(CallTable& calls, SuspectGroup group, bool at_front) {
    for (const HeldSlice& held : group.slices) count_in(calls, held.call, held.slice.rows);
    if (at_front)
        suspects_.push_front(std::move(group));
    else
        suspects_.push_back(std::move(group));
}

void ModelQueue::drop(CallTable& calls, Index call) {
    OpenCall& record = calls[call];
    if (record.queued_rows == 0) return;
    if (record.pieces != kNone) {
        Line& line = lines_[line_of(record)];
        while (record.pieces != kNone) {
            unlink(calls, line, record.pieces);
            calls.remove_piece(record.pieces);
        }
    }
    for (SuspectGroup& group : suspects_) {
        std::erase_if(group.slices, [&](const HeldSlice& held) { return held.call == call; });
    }
    std::erase_if(suspects_, [](const SuspectGroup& group) { return group.slices.empty(); });
    count_out(calls, call, record.queued_rows);
}

HeldSlice ModelQueue::take(CallTable& calls, std::size_t line, Index index, std::uint32_t rows) {
    Line& from = lines_[line];
    Piece& piece = calls.piece(index);
    const Index call = piece.call;
    const HeldSlice taken{call,
                          {calls[call].ticket.call, piece.first_row, std::min(rows, piece.rows)},
                          calls[call].is_ordered ? calls[call].ticket.client : ClientId{}};
    if (taken.slice.rows == piece.rows) {
        unlink(calls, from, index);
        calls.remove_piece(index);
    } else {
        piece.first_row += taken.slice.rows;
        piece.rows -= taken.slice.rows;
        from.rows -= taken.slice.rows;
    }
    count_out(calls, call, taken.slice.rows);
    return taken;
}

SuspectGroup ModelQueue::take_suspects(CallTable& calls, std::uint32_t limit) {
    SuspectGroup group = std::move(suspects_.front());
    suspects_.pop_front();
    if (auto rest = cut_to(group, limit)) suspects_.push_front(std::move(*rest));
    for (const HeldSlice& held : group.slices) count_out(calls, held.call, held.slice.rows);
    return group;
}

std::uint64_t ModelQueue::longest_line() const {
    std::uint64_t longest = 0;
    for (const Line& line : lines_) longest = std::max(longest, line.rows);
    return longest;
}

Index ModelQueue::any_call(const CallTable& calls) const {
    if (has_suspects()) return suspects_.front().slices.front().call;
    for (const Line& line : lines_) {
        if (line.head != kNone) return calls.piece(line.head).call;
    }
    BUNCH_CHECK(false);
}

}  // namespace bunch
