#include "monitoring/lane_clock.h"

#include <algorithm>

namespace bunch {
namespace {

// More finished batches than this, held up by one that is not back, are settled without it.
constexpr std::size_t kMaxHeldSpans = 256;

constexpr std::size_t index_of(LaneState state) {
    return static_cast<std::size_t>(state);
}

}  // namespace

std::string_view name_of(LaneState state) {
    switch (state) {
        case LaneState::compute:
            return "compute";
        case LaneState::transfer:
            return "transfer";
        case LaneState::wait_batch:
            return "wait_batch";
        case LaneState::idle:
            return "idle";
        case LaneState::faulted:
            return "faulted";
    }
    return "unknown";
}

void LaneClock::up(TimePoint now) {
    advance(now);
    if (background_ == LaneState::faulted) background_ = LaneState::idle;
}

void LaneClock::fault(TimePoint now) {
    advance(now);
    // What is open will not come back: nothing useful came of that time.
    open_.clear();
    settle_until(now_, LaneState::faulted);
    background_ = LaneState::faulted;
}

void LaneClock::work_waits(TimePoint now, bool work) {
    const LaneState wanted = work ? LaneState::wait_batch : LaneState::idle;
    if (background_ == LaneState::faulted || wanted == background_) return;
    advance(now);
    background_ = wanted;
}

void LaneClock::bound(TimePoint now, BatchId batch) {
    advance(now);
    open_.push_back({batch, now_});
}

void LaneClock::done(TimePoint now, BatchId batch, const BatchTimes& times) {
    advance(now);
    const auto open = find(batch);
    if (open == open_.end()) return;
    const TimePoint from = open->bound_at;
    open_.erase(open);
    hold(std::max(from, times.transfer_begin), times.compute_begin, LaneState::transfer);
    hold(std::max(from, times.compute_begin), times.compute_end, LaneState::compute);
    hold(std::max(from, times.compute_end), times.transfer_end, LaneState::transfer);
    settle_to_oldest_open();
}

void LaneClock::dropped(TimePoint now, BatchId batch) {
    advance(now);
    const auto open = find(batch);
    if (open == open_.end()) return;
    open_.erase(open);
    settle_to_oldest_open();
}

void LaneClock::advance(TimePoint now) {
    now_ = std::max({now_, settled_, now});
    if (open_.empty()) settle_until(now_, background_);
}

std::vector<LaneClock::Open>::iterator LaneClock::find(BatchId batch) {
    return std::find_if(open_.begin(), open_.end(),
                        [batch](const Open& open) { return open.batch == batch; });
}

void LaneClock::hold(TimePoint begin, TimePoint end, LaneState state) {
    begin = std::max(begin, settled_);
    end = std::min(end, now_);
    if (begin < end) spans_.push_back({begin, end, state});
}

/// Some batch was open ever since settled_, so that gaps until now are waits for it.
void LaneClock::settle_to_oldest_open() {
    TimePoint until = now_;
    if (spans_.size() > kMaxHeldSpans) {
        for (Open& open : open_) open.bound_at = now_;
    }
    for (const Open& open : open_) until = std::min(until, open.bound_at);
    settle_until(until, LaneState::wait_batch);
}

void LaneClock::settle_until(TimePoint until, LaneState gaps) {
    while (settled_ < until) {
        LaneState state = gaps;
        TimePoint next = until;
        for (const Span& span : spans_) {
            if (span.begin > settled_) {
                next = std::min(next, span.begin);
            } else if (span.end > settled_) {
                next = std::min(next, span.end);
                if (state != LaneState::compute) state = span.state;
            }
        }
        totals_[index_of(state)] += next - settled_;
        settled_ = next;
    }
    std::erase_if(spans_, [until](const Span& span) { return span.end <= until; });
}

}  // namespace bunch
