#include "protocol/status_map.h"

namespace bunch {

int grpc_number(StatusCode code) {
    return static_cast<int>(code);
}

int http_code(StatusCode code) {
    switch (code) {
        case StatusCode::ok:
            return 200;
        case StatusCode::invalid_argument:
        case StatusCode::failed_precondition:
        case StatusCode::out_of_range:
            return 400;
        case StatusCode::unauthenticated:
            return 401;
        case StatusCode::permission_denied:
            return 403;
        case StatusCode::not_found:
            return 404;
        case StatusCode::already_exists:
        case StatusCode::aborted:
            return 409;
        case StatusCode::resource_exhausted:
            return 429;
        case StatusCode::cancelled:
            return 499;
        case StatusCode::unimplemented:
            return 501;
        case StatusCode::unavailable:
            return 503;
        case StatusCode::deadline_exceeded:
            return 504;
        case StatusCode::unknown:
        case StatusCode::internal:
        case StatusCode::data_loss:
            return 500;
    }
    return 500;
}

}  // namespace bunch
