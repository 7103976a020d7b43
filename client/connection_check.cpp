// The part of Connection that time brings: deadlines, resends, a server that vanished.
#include <algorithm>

#include "client/connection.h"

namespace bunch {
namespace {

Status late(bool connected, const std::vector<std::string>& endpoints) {
    const std::string text = "no answer within the request's timeout";
    if (connected) return deadline_exceeded(text);
    std::string all;
    for (const std::string& endpoint : endpoints) all += (all.empty() ? "" : " or ") + endpoint;
    return deadline_exceeded(text + ": there is no connection to " + all +
                             " (is bunchd running there?)");
}

}  // namespace

std::size_t Connection::check(TimePoint at) {
    last_check_ = at;
    std::size_t ended = watch_connection(at);
    if (at < next_check_) return ended;
    next_check_ = kNever;
    if (!connected_ && options_.endpoints.size() > 1) {
        const TimePoint give_up = connecting_since_ + options_.connect_timeout;
        if (at >= give_up) {
            endpoint_ = (endpoint_ + 1) % options_.endpoints.size();
            ended += reconnect(at, false);
        } else {
            schedule(give_up);
        }
    }
    return ended + check_requests(at);
}

std::size_t Connection::watch_connection(TimePoint at) {
    bool lost = false;
    for (auto event = dealer_.next_event(); event != Dealer::Event::none;
         event = dealer_.next_event()) {
        connected_ = event == Dealer::Event::connected;
        lost = lost || event == Dealer::Event::disconnected;
    }
    return lost ? reconnect(at, true) : 0;
}

/// A new socket in place of the old one, whose queue nobody can look into: so every open request is
/// sent exactly once more. That counts as a resend only if the old socket ever had a connection.
std::size_t Connection::reconnect(TimePoint at, bool was_connected) {
    auto dealer = Dealer::connect(context_, options_.endpoints[endpoint_]);
    connecting_since_ = at;
    connected_ = false;
    schedule(at + options_.connect_timeout);
    if (!dealer.ok()) return 0;
    dealer_ = std::move(*dealer);
    ++counters_.reconnects;
    due_.clear();
    open_.for_each([&](const OpenRequest& entry) {
        if (entry.state == OpenRequest::State::sent) due_.push_back(entry.id);
    });
    std::size_t ended = 0;
    for (std::size_t i = 0; i < due_.size(); ++i) {
        OpenRequest* entry = open_.find(due_[i]);
        if (entry == nullptr) continue;
        if (was_connected) {
            ended += send_again(*entry, at);
        } else {
            send_first_time_again(*entry, at);
        }
    }
    return ended;
}

/// For a request that never left: its copy goes out, its count and its time stay.
void Connection::send_first_time_again(OpenRequest& entry, TimePoint at) {
    const std::uint32_t sends = entry.sends;
    const TimePoint resend_at = entry.resend_at;
    try_to_send(entry, at);
    entry.sends = sends;
    entry.resend_at = resend_at;
}

std::size_t Connection::send_again(OpenRequest& entry, TimePoint at) {
    if (entry.sends > options_.max_resends) {
        const std::string& endpoint = options_.endpoints[endpoint_];
        return fail(entry,
                    unavailable("no answer from " + endpoint + " though the request was sent " +
                                std::to_string(entry.sends) + " times: is bunchd running there?"),
                    at)
                   ? 1
                   : 0;
    }
    ++counters_.resent;
    if (!try_to_send(entry, at)) schedule(at + std::chrono::milliseconds(1));
    return 0;
}

std::size_t Connection::check_requests(TimePoint at) {
    due_.clear();
    open_.for_each([&](const OpenRequest& entry) {
        const TimePoint due = std::min(entry.deadline, entry.resend_at);
        if (due <= at) {
            due_.push_back(entry.id);
        } else {
            schedule(due);
        }
    });
    std::size_t ended = 0;
    for (std::size_t i = 0; i < due_.size(); ++i) {
        OpenRequest* entry = open_.find(due_[i]);
        if (entry == nullptr) continue;
        if (entry->deadline <= at) {
            ended += fail(*entry, late(connected_, options_.endpoints), at) ? 1 : 0;
        } else if (connected_ || entry->sends > options_.max_resends) {
            ended += send_again(*entry, at);
        } else {
            // Not connected: the request still waits inside ZeroMQ, another copy would not help.
            ++entry->sends;
            entry->resend_at = saturating_add(at, options_.resend_after);
            schedule(entry->resend_at);
        }
    }
    send_waiting(at);
    return ended;
}

}  // namespace bunch
