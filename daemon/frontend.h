/// How requests of one protocol reach the reactor and how answers go back.
#pragma once

#include <string_view>

#include "core/call.h"
#include "core/time.h"
#include "monitoring/metrics.h"

namespace bunch {

/// What a frontend may ask of the reactor, on the reactor's thread.
class Intake {
  public:
    virtual ~Intake() = default;

    /// Opens the call that was written into the slab's draft. It is answered exactly once, or
    /// cancelled.
    virtual void admit(TimePoint now) = 0;

    /// Closes the open call of `origin`'s frontend and peer with that client and request id, if
    /// there is one; it gets no answer.
    virtual void cancel(TimePoint now, const Origin& origin, ClientId client,
                        std::string_view request_id) = 0;
};

/// One protocol's sockets and what it knows of its peers.
class Frontend {
  public:
    virtual ~Frontend() = default;

    virtual Protocol protocol() const = 0;

    /// Sends the answer of a call that is being closed. A peer that left, or does not read, costs
    /// its own answer only.
    virtual void answer(const Call& call, const Answer& answer) = 0;

    /// `call` was closed without an answer.
    virtual void forget(const Call& call) = 0;
};

}  // namespace bunch
