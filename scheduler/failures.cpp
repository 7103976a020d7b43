#include "scheduler/failures.h"

namespace bunch {

bool blames_data(StatusCode code) {
    switch (code) {
        case StatusCode::unknown:
        case StatusCode::invalid_argument:
        case StatusCode::resource_exhausted:
        case StatusCode::failed_precondition:
        case StatusCode::out_of_range:
        case StatusCode::unimplemented:
        case StatusCode::internal:
            return true;
        default:
            return false;
    }
}

}  // namespace bunch
