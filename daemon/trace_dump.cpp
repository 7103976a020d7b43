#include "daemon/trace_dump.h"

#include <string>

namespace bunch {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

Result<v1::TraceResponse> TraceDump::answer(TimePoint now, const v1::TraceRequest& request) {
    expire(now);
    if (request.dump() == 0) return begin(now);
    if (!current_ || request.dump() != number_)
        return not_found("the trace number " + std::to_string(request.dump()) +
                         " is kept no longer: begin again");
    if (request.offset() >= current_->bytes())
        return invalid_argument("the trace has " + std::to_string(current_->bytes()) +
                                " bytes, none at " + std::to_string(request.offset()));
    return piece(now, request.offset());
}

Result<v1::TraceResponse> TraceDump::begin(TimePoint now) {
    if (!scheduler_.is_recording())
        return Status(StatusCode::failed_precondition,
                      "nothing is recorded: set events of [trace] in the daemon's configuration");
    if (current_)
        return resource_exhausted("another trace is being read: try again when it is done, or in " +
                                  std::to_string(kPatience / std::chrono::seconds(1)) + " s");
    current_ = scheduler_.freeze(now);
    ++number_;
    return piece(now, 0);
}

v1::TraceResponse TraceDump::piece(TimePoint now, std::uint64_t offset) {
    v1::TraceResponse response;
    response.set_dump(number_);
    response.set_total_bytes(current_->bytes());
    response.set_events_before(current_->header.events_before);
    current_->copy(offset, kPieceBytes, *response.mutable_piece());
    last_read_ = now;
    if (offset + response.piece().size() == response.total_bytes()) current_.reset();
    return response;
}

void TraceDump::expire(TimePoint now) {
    if (current_ && now - last_read_ > kPatience) current_.reset();
}

}  // namespace bunch
