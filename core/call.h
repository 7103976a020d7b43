/// A request's two forms: the Call, which holds its bytes and lives in the daemon's slab until it
/// is answered, and the Ticket, which is all that the scheduler sees of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/ids.h"
#include "core/model.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {

/// Which calls of a model may share a batch: those of equal class. 0 for models of fixed shape.
using ShapeClass = std::uint32_t;

/// Classes 1 to this one mean the same shapes as long as the model is served: its padding buckets.
/// Higher numbers are used again for other shapes.
inline constexpr ShapeClass kLastingClasses = kMaxBuckets;

/// A call as the scheduler sees it.
struct Ticket {
    CallId call;
    ClientId client;              ///< 0: the client gave no name
    TimePoint deadline = kNever;  ///< an answer after it is of no use to the client
    std::uint64_t bytes = 0;      ///< of the input tensors
    ModelId model;
    TenantId tenant;
    std::uint32_t rows = 1;
    ShapeClass shape_class = 0;
    std::uint8_t priority = 0;  ///< 0 is the most urgent
    bool late_ok = false;       ///< an answer after the deadline is better than none
};
static_assert(sizeof(Ticket) <= 64 && std::is_trivially_copyable_v<Ticket>);

/// Rows [first_row, first_row + rows) of a call: what one batch runs of it. A call larger than a
/// batch is cut into several.
struct Slice {
    CallId call;
    std::uint32_t first_row = 0;
    std::uint32_t rows = 0;

    friend bool operator==(const Slice&, const Slice&) = default;
};

/// Slices that run together on one lane. Never empty, never above the row limit of its instance.
struct Batch {
    BatchId id;
    ModelId model;
    InstanceId instance;
    LaneId lane;
    std::uint32_t rows = 0;
    std::vector<Slice> slices;
};

/// When a call passed each step of its life. A step that was not reached is TimePoint{}.
struct Timeline {
    TimePoint received;       ///< its last frame was read
    TimePoint admitted;       ///< the scheduler took it
    TimePoint dispatched;     ///< its (last) batch was formed
    TimePoint transferred;    ///< gathered; the device begins to take its inputs
    TimePoint compute_begin;  ///< the runner's clock, see core/time.h
    TimePoint compute_end;
    TimePoint returned;  ///< the batch came back
    TimePoint answered;
};

/// Which open call of which frontend an answer belongs to. The frontend gives the numbers meaning.
struct Origin {
    std::uint32_t frontend = 0;
    std::uint64_t peer = 0;
};

/// What a client sent.
struct Call {
    ModelId model;
    Origin origin;
    ClientId client;
    TenantId tenant;
    std::string request_id;                            ///< the client's own, returned as it came
    std::vector<Tensor> inputs;                        ///< in the order of the model's signature
    std::uint64_t wanted_outputs = ~std::uint64_t{0};  ///< bit i: output i of the signature
    std::uint32_t rows = 1;
    ShapeClass shape_class = 0;
    std::uint8_t priority = 0;
    bool late_ok = false;
    TimePoint deadline = kNever;
    Timeline times;
};

/// What a client is told. The views are in the order of the model's signature, empty on failure,
/// and valid only while the answer is being sent.
struct Answer {
    Status status;
    std::vector<ConstTensorView> outputs;
    std::string_view device_class;  ///< "cpu+fpga" if its rows ran on several
    std::string_view precision;     ///< likewise
};

}  // namespace bunch
