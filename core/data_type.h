/// Element types of tensors: those of the Open Inference Protocol, in its spelling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bunch {

enum class DataType : std::uint8_t {
    boolean,
    u8,
    u16,
    u32,
    u64,
    i8,
    i16,
    i32,
    i64,
    f16,
    bf16,
    f32,
    f64,
};

/// Bytes of one element: 1, 2, 4 or 8.
std::size_t size_of(DataType type);

/// "FP32", "INT64", "BOOL" and so on.
std::string_view name_of(DataType type);

/// The type of that exact name, or nothing.
std::optional<DataType> data_type_named(std::string_view name);

/// Whether a number that came from outside is a DataType.
bool is_data_type(std::uint8_t number);

}  // namespace bunch
