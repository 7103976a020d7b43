#include "daemon/reasons.h"

namespace bunch {

std::optional<Rejection> rejection_of(const Reject& reject) {
    switch (reject.reason) {
        case RejectReason::invalid:
            return reject.status.code() == StatusCode::not_found ? Rejection::unknown_model
                                                                 : Rejection::too_large;
        case RejectReason::draining:
            return Rejection::draining;
        case RejectReason::no_device:
            return Rejection::no_device;
        case RejectReason::bound:
            return Rejection::queue_full;
        case RejectReason::quota:
            return Rejection::quota;
        case RejectReason::expired:
            return Rejection::deadline;
        case RejectReason::shed:
            return Rejection::shed;
        case RejectReason::culprit:
            return Rejection::culprit;
        case RejectReason::cancelled:
            break;
    }
    return std::nullopt;
}

Closing closing_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::limit:
            return Closing::limit;
        case CloseReason::deadline:
            return Closing::deadline;
        case CloseReason::share:
            return Closing::share;
        case CloseReason::queue:
            return Closing::queue;
        case CloseReason::waited:
            return Closing::waited;
        case CloseReason::alone:
            return Closing::alone;
    }
    return Closing::queue;
}

}  // namespace bunch
