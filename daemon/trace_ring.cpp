#include "daemon/trace_ring.h"

#include <algorithm>

#include "core/check.h"

namespace bunch {

TraceRing::TraceRing(std::size_t slots) : half_(slots / 2) {
    if (is_on()) newer_ = empty_half();
}

std::shared_ptr<TraceHalf> TraceRing::empty_half() {
    // Nobody reads the older half any more: its memory again.
    auto half =
        older_ && older_.use_count() == 1 ? std::move(older_) : std::make_shared<TraceHalf>();
    half->slots.clear();
    half->slots.reserve(half_);
    half->events_before = events_;
    return half;
}

void TraceRing::turn(std::span<const trace::Slot> snapshot) {
    BUNCH_CHECK(snapshot.size() <= snapshot_limit());
    auto next = empty_half();
    older_ = std::move(newer_);
    newer_ = std::move(next);
    newer_->slots.assign(snapshot.begin(), snapshot.end());
}

void TraceRing::add(std::span<const trace::Slot> slots) {
    BUNCH_CHECK(!is_full(slots.size()));
    newer_->slots.insert(newer_->slots.end(), slots.begin(), slots.end());
    ++events_;
}

FrozenTrace TraceRing::freeze(trace::Header header) const {
    FrozenTrace frozen;
    if (older_) frozen.halves.push_back(older_);
    frozen.halves.push_back(newer_);
    frozen.header = header;
    frozen.header.events_before = frozen.halves.front()->events_before;
    return frozen;
}

std::uint64_t FrozenTrace::bytes() const {
    std::uint64_t slots = 1;
    for (const auto& half : halves) slots += half->slots.size();
    return slots * sizeof(trace::Slot);
}

void FrozenTrace::copy(std::uint64_t offset, std::size_t most, std::string& to) const {
    const trace::Slot first = trace::encode(header);
    std::vector<std::span<const std::byte>> parts = {std::as_bytes(std::span(&first, 1))};
    for (const auto& half : halves) parts.push_back(std::as_bytes(std::span(half->slots)));
    for (const auto& part : parts) {
        if (offset >= part.size()) {
            offset -= part.size();
            continue;
        }
        const std::size_t size = std::min<std::size_t>(most, part.size() - offset);
        to.append(reinterpret_cast<const char*>(part.data() + offset), size);
        most -= size;
        offset = 0;
        if (most == 0) return;
    }
}

}  // namespace bunch
