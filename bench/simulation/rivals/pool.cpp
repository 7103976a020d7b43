#include "bench/simulation/rivals/pool.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "core/check.h"

namespace bunch::simulation {

void Pool::tick(TimePoint at) {
    now_ = std::max(now_, at);
}

Index Pool::model_of(ModelId id) const {
    const auto found = models_.find(id.value);
    return found == models_.end() ? kNone : found->second;
}

void Pool::refuse(CallId call, StatusCode code, RejectReason reason, const char* message) {
    refusals_.push_back({call, {code, message}, reason});
}

void Pool::flush_refusals(std::vector<Decision>& out) {
    for (Reject& reject : refusals_) out.emplace_back(std::move(reject));
    refusals_.clear();
}

void Pool::submit(TimePoint at, const Ticket& ticket) {
    tick(at);
    const Index model = model_of(ticket.model);
    if (model == kNone)
        return refuse(ticket.call, StatusCode::not_found, RejectReason::invalid, "no such model");
    const ModelPolicy& policy = lines_[model].policy;
    if (ticket.rows == 0 || ticket.rows > policy.max_rows_per_request)
        return refuse(ticket.call, StatusCode::invalid_argument, RejectReason::invalid,
                      "number of rows");
    if (lines_[model].rows + ticket.rows > policy.max_queued_rows)
        return refuse(ticket.call, StatusCode::resource_exhausted, RejectReason::bound,
                      "queue is full");
    Waiting part;
    part.call = ticket.call;
    part.arrival = now_;
    part.wanted = policy.objective
                      ? std::min(ticket.deadline, saturating_add(now_, *policy.objective))
                      : ticket.deadline;
    part.deadline = ticket.late_ok ? kNever : ticket.deadline;
    part.sequence = next_sequence_++;
    part.rows = ticket.rows;
    push(model, part);
}

void Pool::push(Index model, const Waiting& part) {
    Line& line = lines_[model];
    if (line.rows == 0) waiting_.push_back(model);
    line.queue.push_back(part);
    line.rows += part.rows;
}

/// Keeps the list of waiting models after rows have left a queue.
void Pool::note_rows(Index model) {
    if (lines_[model].rows > 0) return;
    const auto found = std::find(waiting_.begin(), waiting_.end(), model);
    if (found == waiting_.end()) return;
    *found = waiting_.back();
    waiting_.pop_back();
}

/// Rows that were on a lane wait again, where they stood.
void Pool::put_back(Index model, std::vector<Waiting>& parts) {
    Line& line = lines_[model];
    if (line.rows == 0) waiting_.push_back(model);
    for (const Waiting& part : parts) {
        line.queue.push_back(part);
        line.rows += part.rows;
    }
    std::sort(line.queue.begin(), line.queue.end(), [](const Waiting& a, const Waiting& b) {
        return std::tie(a.sequence, a.first_row) < std::tie(b.sequence, b.first_row);
    });
}

void Pool::forget_call(Index model, CallId call) {
    Line& line = lines_[model];
    std::erase_if(line.queue, [&](const Waiting& part) {
        if (part.call != call) return false;
        line.rows -= part.rows;
        return true;
    });
    note_rows(model);
}

std::uint32_t Pool::rows_within(Index device_class, Index model, Duration span,
                                std::uint32_t limit) const {
    const Curve& curve = classes_[device_class].curves[model];
    const double left = static_cast<double>(span.count()) - curve.fixed;
    if (left < 0) return 0;
    const double rows = std::floor(left / std::max(curve.per_row, 1e-9) + 1e-9);
    return static_cast<std::uint32_t>(std::min<double>(rows, limit));
}

std::uint32_t Pool::capped_limit(Index lane, Index model, double part) const {
    const std::uint32_t most = limit(lane, model);
    const std::optional<Duration> objective = lines_[model].policy.objective;
    if (part <= 0 || !objective || most == 0) return most;
    const Duration longest = from_seconds(part * to_seconds(*objective));
    return std::max(1u, rows_within(lanes_[lane].device_class, model, longest, most));
}

Duration Pool::shortest_run(Index model) const {
    const std::uint32_t rows = lines_[model].queue.front().rows;
    Duration shortest = Duration::max();
    for (Index i = 0; i < class_count(); ++i) {
        if (classes_[i].lanes == 0 || classes_[i].limits[model] == 0) continue;
        shortest = std::min(shortest, run(i, model, std::min(rows, classes_[i].limits[model])));
    }
    return shortest == Duration::max() ? Duration::zero() : shortest;
}

Index Pool::first_lane(Index model) const {
    Index busy = kNone;
    for (const Index lane : free_lanes_) {
        if (limit(lane, model) == 0) continue;
        if (lanes_[lane].flights.empty()) return lane;
        if (busy == kNone) busy = lane;
    }
    return busy;
}

Index Pool::quickest_lane(Index model) const {
    Index best = kNone;
    TimePoint best_end = kNever;
    for (const Index lane : free_lanes_) {
        const std::uint32_t most = limit(lane, model);
        if (most == 0) continue;
        const std::uint64_t rows = std::min<std::uint64_t>(most, lines_[model].rows);
        const TimePoint end = begin_on(lane) + run(lanes_[lane].device_class, model, rows);
        if (end >= best_end) continue;
        best = lane;
        best_end = end;
    }
    return best;
}

/// Keeps the list of free lanes, and when the lane is free, after its batches have changed.
void Pool::note_lane(Index index) {
    Lane& lane = lanes_[index];
    lane.free_at = now_;
    for (const std::uint64_t number : lane.flights) {
        const Flight& flight = *flight_of(number);
        lane.free_at += run(lane.device_class, flight.model, flight.rows);
    }
    const auto found = std::find(free_lanes_.begin(), free_lanes_.end(), index);
    const bool is_free = lane.flights.size() < devices_[lane.device].slots;
    if (is_free && found == free_lanes_.end()) free_lanes_.push_back(index);
    if (!is_free && found != free_lanes_.end()) free_lanes_.erase(found);
}

/// Moves up to `rows` rows of the oldest requests from the queue into the batch.
void Pool::take_rows(Line& line, std::uint32_t rows, Flight& flight) {
    while (!line.queue.empty() && flight.rows < rows) {
        Waiting& head = line.queue.front();
        Waiting part = head;
        part.rows = std::min(head.rows, rows - flight.rows);
        // Whole requests, but for one that is too large for any batch.
        if (part.rows < head.rows && flight.rows > 0) break;
        flight.parts.push_back(part);
        flight.rows += part.rows;
        line.rows -= part.rows;
        if (part.rows == head.rows) {
            line.queue.pop_front();
        } else {
            head.first_row += part.rows;
            head.rows -= part.rows;
        }
    }
}

void Pool::dispatch(Index index, Index model, std::uint32_t rows, CloseReason reason,
                    std::vector<Decision>& out) {
    Lane& lane = lanes_[index];
    Line& line = lines_[model];
    const std::uint32_t most = limit(index, model);
    BUNCH_CHECK(most > 0 && !line.queue.empty());
    rows = std::min(most, std::max(rows, line.queue.front().rows));

    const std::uint64_t number = first_flight_ + flights_.size();
    flights_.emplace_back();
    Flight& flight = flights_.back();
    flight.lane = index;
    flight.model = model;
    Dispatch decision;
    if (!spare_parts_.empty()) {
        flight.parts = std::move(spare_parts_.back());
        spare_parts_.pop_back();
    }
    if (!spare_slices_.empty()) {
        decision.batch.slices = std::move(spare_slices_.back());
        spare_slices_.pop_back();
    }
    take_rows(line, rows, flight);
    for (const Waiting& part : flight.parts)
        decision.batch.slices.push_back({part.call, part.first_row, part.rows});
    note_rows(model);
    lane.flights.push_back(number);
    const Duration predicted = run(lane.device_class, model, flight.rows);
    const TimePoint begin = begin_on(index);
    note_lane(index);
    lane.free_at = begin + predicted;

    decision.batch.id = BatchId{number};
    decision.batch.model = line.policy.model;
    decision.batch.instance = devices_[lane.device].instances[model];
    decision.batch.lane = lane.id;
    decision.batch.rows = flight.rows;
    decision.closed_by = reason;
    decision.predicted_run = predicted;
    out.emplace_back(std::move(decision));
}

void Pool::drop_oldest(Index model, std::vector<Decision>& out) {
    const CallId call = lines_[model].queue.front().call;
    const bool is_over = lines_[model].queue.front().deadline <= now_;
    out.emplace_back(Reject{call,
                            {StatusCode::deadline_exceeded, "deadline unmet"},
                            is_over ? RejectReason::expired : RejectReason::shed});
    Line& line = lines_[model];
    while (!line.queue.empty() && line.queue.front().call == call) {
        line.rows -= line.queue.front().rows;
        line.queue.pop_front();
    }
    note_rows(model);
}

Pool::Flight* Pool::flight_of(std::uint64_t batch) {
    if (batch < first_flight_ || batch - first_flight_ >= flights_.size()) return nullptr;
    Flight& flight = flights_[batch - first_flight_];
    return flight.lane == kNone ? nullptr : &flight;
}

void Pool::end_flight(Flight& flight) {
    flight.lane = kNone;
    flight.parts.clear();
    spare_parts_.push_back(std::move(flight.parts));
    while (!flights_.empty() && flights_.front().lane == kNone) {
        flights_.pop_front();
        ++first_flight_;
    }
}

void Pool::batch_done(TimePoint at, BatchId batch, const RunReport& report) {
    tick(at);
    Flight* flight = flight_of(batch.value);
    if (flight == nullptr) return;
    if (report.code != StatusCode::ok)
        for (const Waiting& part : flight->parts) forget_call(flight->model, part.call);
    const Index lane = flight->lane;
    std::erase(lanes_[lane].flights, batch.value);
    end_flight(*flight);
    note_lane(lane);
}

void Pool::recycle(Batch&& batch) {
    batch.slices.clear();
    spare_slices_.push_back(std::move(batch.slices));
}

}  // namespace bunch::simulation
