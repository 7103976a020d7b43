#include "core/fault_kind.h"

namespace bunch {

std::string_view name_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::hang:
            return "hang";
        case FaultKind::call_failed:
            return "call_failed";
        case FaultKind::dead:
            return "dead";
        case FaultKind::gone:
            return "gone";
        case FaultKind::load_failed:
            return "load_failed";
        case FaultKind::memory_full:
            return "memory_full";
        case FaultKind::busy:
            return "busy";
    }
    return "unknown";
}

}  // namespace bunch
