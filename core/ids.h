/// Identifiers that cannot be mistaken for one another.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace bunch {

/// A number with the type of what it names. 0 is a valid value; use std::optional for "none".
template <typename Tag, typename Number>
struct Id {
    using value_type = Number;
    Number value{};
    friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using CallId = Id<struct CallTag, std::uint64_t>;      ///< one open call of the daemon
using BatchId = Id<struct BatchTag, std::uint64_t>;    ///< counts up, never reused
using ClientId = Id<struct ClientTag, std::uint64_t>;  ///< hash of the name a client gave; 0: none
using ModelId = Id<struct ModelTag, std::uint32_t>;    ///< one version of a model
using DeviceId = Id<struct DeviceTag, std::uint32_t>;
using LaneId = Id<struct LaneTag, std::uint32_t>;  ///< unique over all devices, never reused
using InstanceId =
    Id<struct InstanceTag, std::uint32_t>;  ///< one model on one device, never reused
using TenantId = Id<struct TenantTag, std::uint32_t>;
using SlotId = Id<struct SlotTag, std::uint32_t>;  ///< memory for one batch, 0-based within a lane

}  // namespace bunch

template <typename Tag, typename Number>
struct std::hash<bunch::Id<Tag, Number>> {
    std::size_t operator()(bunch::Id<Tag, Number> id) const noexcept {
        return std::hash<Number>()(id.value);
    }
};
