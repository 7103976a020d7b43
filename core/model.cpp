#include "core/model.h"

#include <limits>

#include "core/check.h"
#include "core/tensor.h"

namespace bunch {

std::string_view name_of(Precision precision) {
    switch (precision) {
        case Precision::f32:
            return "f32";
        case Precision::bf16:
            return "bf16";
        case Precision::int8:
            return "int8";
    }
    return "unknown";
}

std::optional<Precision> precision_named(std::string_view name) {
    for (const auto value : {Precision::f32, Precision::bf16, Precision::int8})
        if (name_of(value) == name) return value;
    return std::nullopt;
}

std::string_view name_of(Numerics numerics) {
    switch (numerics) {
        case Numerics::any:
            return "any";
        case Numerics::same_class:
            return "same_class";
        case Numerics::bitwise:
            return "bitwise";
    }
    return "unknown";
}

std::optional<Numerics> numerics_named(std::string_view name) {
    for (const auto value : {Numerics::any, Numerics::same_class, Numerics::bitwise})
        if (name_of(value) == name) return value;
    return std::nullopt;
}

std::optional<std::uint64_t> row_bytes(const std::vector<TensorSpec>& tensors, bool batched) {
    std::uint64_t total = 0;
    for (const TensorSpec& tensor : tensors) {
        const Shape one_row =
            batched && tensor.shape.rank() > 0 ? tensor.shape.with_rows(1) : tensor.shape;
        const auto bytes = byte_size(tensor.type, one_row);
        if (!bytes || *bytes > std::numeric_limits<std::uint64_t>::max() / 4 - total)
            return std::nullopt;
        total += *bytes;
    }
    return total;
}

Result<std::uint32_t> rows_of_call(const ModelSignature& signature,
                                   const std::vector<TensorSpec>& given) {
    BUNCH_CHECK(given.size() == signature.inputs.size());
    std::optional<std::int64_t> rows;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const TensorSpec& want = signature.inputs[i];
        const TensorSpec& have = given[i];
        if (have.type != want.type) {
            return invalid_argument("input '" + want.name + "' is " +
                                    std::string(name_of(have.type)) + ", the model takes " +
                                    std::string(name_of(want.type)));
        }
        if (have.shape.is_open() || !want.shape.admits(have.shape)) {
            return invalid_argument("input '" + want.name + "' has shape " +
                                    have.shape.to_string() + ", the model takes " +
                                    want.shape.to_string());
        }
        if (!signature.batched) continue;
        if (rows && *rows != have.shape[0]) {
            return invalid_argument("input '" + want.name + "' has " +
                                    std::to_string(have.shape[0]) + " rows, the inputs before it " +
                                    std::to_string(*rows));
        }
        rows = have.shape[0];
    }
    if (!signature.batched) return std::uint32_t{1};
    if (!rows || *rows < 1 || *rows > std::numeric_limits<std::uint32_t>::max()) {
        return invalid_argument("a request needs between 1 and 2^32-1 rows, this one has " +
                                std::to_string(rows.value_or(0)));
    }
    return static_cast<std::uint32_t>(*rows);
}

}  // namespace bunch
