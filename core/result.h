/// A value, or the Status that says why there is none; and the two macros that pass errors up.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "core/check.h"
#include "core/status.h"

namespace bunch {

/// Holds a T or a failed Status, never both and never an ok Status.
template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value)
        : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
    Result(Status status) : content_(std::in_place_index<1>, std::move(status)) {  // NOLINT
        BUNCH_CHECK(!std::get<1>(content_).ok());
    }

    bool ok() const { return content_.index() == 0; }

    /// The failure, or ok.
    Status status() const { return ok() ? Status() : std::get<1>(content_); }

    /// Only when ok().
    T& value() & {
        BUNCH_CHECK(ok());
        return *std::get_if<0>(&content_);
    }
    const T& value() const& {
        BUNCH_CHECK(ok());
        return *std::get_if<0>(&content_);
    }
    T&& value() && {
        BUNCH_CHECK(ok());
        return std::move(*std::get_if<0>(&content_));
    }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

  private:
    std::variant<T, Status> content_;
};

}  // namespace bunch

#define BUNCH_CONCAT_INNER(a, b) a##b
#define BUNCH_CONCAT(a, b) BUNCH_CONCAT_INNER(a, b)

/// Returns the Status of `expression` from this function unless it is ok.
#define BUNCH_RETURN_IF_ERROR(expression)                                                         \
    do {                                                                                          \
        if (::bunch::Status bunch_status = (expression); !bunch_status.ok()) return bunch_status; \
    } while (false)

/// Assigns the value of a Result to `target` (which may declare), or returns its Status.
#define BUNCH_ASSIGN_OR_RETURN(target, expression) \
    BUNCH_ASSIGN_OR_RETURN_INNER(BUNCH_CONCAT(bunch_result_, __LINE__), target, expression)
#define BUNCH_ASSIGN_OR_RETURN_INNER(result, target, expression) \
    auto result = (expression);                                  \
    if (!result.ok()) return result.status();                    \
    target = std::move(result).value()
