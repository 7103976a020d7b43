/// What is known of a model: its tensors, its limits, and what an operator asked of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/data_type.h"
#include "core/result.h"
#include "core/shape.h"
#include "core/time.h"

namespace bunch {

/// One input or output. In a batched model dimension 0 is kAnyExtent and counts rows.
struct TensorSpec {
    std::string name;
    DataType type = DataType::f32;
    Shape shape;
    /// What the model calls its open extents (ONNX: dim_param), "" for the others; one for each
    /// extent, or none at all.
    std::vector<std::string> dimensions{};

    friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

/// The tensors of a model, in the order in which batches carry them.
struct ModelSignature {
    std::vector<TensorSpec> inputs;
    std::vector<TensorSpec> outputs;
    /// Whether rows of different calls may run together. If not, a call is one row: its tensors
    /// are taken as they are, and dimension 0 means whatever the model says.
    bool batched = true;

    friend bool operator==(const ModelSignature&, const ModelSignature&) = default;
};

/// Arithmetic a model runs in.
enum class Precision : std::uint8_t { f32, bf16, int8 };
std::string_view name_of(Precision precision);  ///< "f32", "bf16", "int8"
std::optional<Precision> precision_named(std::string_view name);

/// How far an answer may depend on where, and with whom, its row ran.
enum class Numerics : std::uint8_t {
    any,         ///< any device class
    same_class,  ///< always the same device class
    bitwise,     ///< the same bits whatever else was in the batch
};
std::string_view name_of(Numerics numerics);
std::optional<Numerics> numerics_named(std::string_view name);

/// An open extent that requests may have in any length up to the largest bucket: the daemon pads it
/// to the smallest bucket that it fits, so that requests of different lengths share batches.
struct PaddedDimension {
    std::string dimension;               ///< its name, see TensorSpec::dimensions
    std::vector<std::uint32_t> buckets;  ///< lengths, ascending
    std::string mask;    ///< input that is 1 where there is data and 0 where not; empty: none
    std::string length;  ///< input that gets each row's length; empty: none
    double value = 0;    ///< what the other inputs are padded with

    friend bool operator==(const PaddedDimension&, const PaddedDimension&) = default;
};

inline constexpr std::size_t kMaxPaddedDimensions = 4;
/// Of one model: all ways to choose a bucket for each of its padded dimensions.
inline constexpr std::size_t kMaxBuckets = 64;

/// The same network in other arithmetic, for devices that cannot run the model's own file. Whoever
/// configures it accepts that answers differ by that much from device to device.
struct ModelTwin {
    std::string path;                  ///< absolute
    std::vector<std::string> devices;  ///< that run it instead
    double max_deviation = 0;          ///< accepted; the model's own file states no more
};

/// A model as an operator configured it; `signature` is filled in once a runner has loaded it,
/// or declared beforehand for backends that have no model file.
struct ModelSpec {
    std::string name;
    std::string version = "1";
    std::string path;                  ///< absolute; empty where the backend needs no file
    std::vector<std::string> devices;  ///< names of configured devices that may run it
    std::optional<ModelTwin> twin;     ///< its devices are among the above
    ModelSignature signature;
    std::vector<PaddedDimension> padding;  ///< at most kMaxPaddedDimensions
    Precision precision = Precision::f32;
    Numerics numerics = Numerics::any;
    bool keeps_client_order = false;    ///< calls of one client begin in the order of arrival
    std::optional<Duration> objective;  ///< wanted time from arrival to answer
    std::uint32_t max_batch_rows = 32;  ///< rows of one batch on one lane
    std::uint32_t max_rows_per_request = 65536;
    std::uint32_t max_queued_rows = 65536;
    std::uint64_t max_queued_bytes = std::uint64_t{1} << 30;
};

/// Bytes that one row takes over all `tensors`; for a model that is not batched, one whole call.
/// Nothing if an extent other than dimension 0 is open, or the number does not fit.
std::optional<std::uint64_t> row_bytes(const std::vector<TensorSpec>& tensors, bool batched);

/// Whether tensors of these types and shapes are a call of the model, and how many rows it has.
/// `given` lies in the order of the signature. Needs as many tensors as the signature has inputs.
Result<std::uint32_t> rows_of_call(const ModelSignature& signature,
                                   const std::vector<TensorSpec>& given);

}  // namespace bunch
