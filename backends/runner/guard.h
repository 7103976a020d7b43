/// Keeps what a driver throws inside the call that made it throw.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "core/status.h"

namespace bunch {

/// The outcome of `call`, which returns a Status or a Result; an exception becomes `internal`.
/// `what` begins the message: "loading the model".
template <typename Call>
auto guarded(const char* what, Call&& call) -> decltype(call()) {
    try {
        return std::forward<Call>(call)();
    } catch (const std::exception& error) {
        return internal_error(std::string(what) + " failed: " + error.what());
    } catch (...) {
        return internal_error(std::string(what) + " failed with an unknown exception");
    }
}

}  // namespace bunch
