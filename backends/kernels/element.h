/// Element types in kernels: from a DataType to a C++ type and back, and typed access.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "backends/kernels/kernel.h"

namespace bunch::kernels {

template <typename T>
const T* data(const ConstTensorView& view) {
    return reinterpret_cast<const T*>(view.bytes.data());
}
template <typename T>
T* data(const TensorView& view) {
    return reinterpret_cast<T*>(view.bytes.data());
}
/// Elements of a view: bytes over size.
inline std::int64_t count(const ConstTensorView& view) {
    return static_cast<std::int64_t>(view.bytes.size() / size_of(view.type));
}

/// Calls f(T{}) for the C++ type of `type`, if that is a float (f32, f64); else says that the
/// operator does not exist for it. Halves have been widened before (see registry.h).
template <typename F>
Status for_floats(const Run& run, DataType type, F f) {
    switch (type) {
        case DataType::f32:
            return f(float{});
        case DataType::f64:
            return f(double{});
        default:
            return run.unsupported("for " + std::string(name_of(type)));
    }
}

/// The same for integers, signed and not.
template <typename F>
Status for_integers(const Run& run, DataType type, F f) {
    switch (type) {
        case DataType::u8:
            return f(std::uint8_t{});
        case DataType::u16:
            return f(std::uint16_t{});
        case DataType::u32:
            return f(std::uint32_t{});
        case DataType::u64:
            return f(std::uint64_t{});
        case DataType::i8:
            return f(std::int8_t{});
        case DataType::i16:
            return f(std::int16_t{});
        case DataType::i32:
            return f(std::int32_t{});
        case DataType::i64:
            return f(std::int64_t{});
        default:
            return run.unsupported("for " + std::string(name_of(type)));
    }
}

/// Floats and integers.
template <typename F>
Status for_numbers(const Run& run, DataType type, F f) {
    if (type == DataType::f32 || type == DataType::f64) return for_floats(run, type, f);
    return for_integers(run, type, f);
}

/// Floats, i32 and i64: operators whose smaller integers nobody has.
template <typename F>
Status for_wide_numbers(const Run& run, DataType type, F f) {
    switch (type) {
        case DataType::i32:
            return f(std::int32_t{});
        case DataType::i64:
            return f(std::int64_t{});
        default:
            return for_floats(run, type, f);
    }
}

/// Calls f(T{}) with an unsigned integer of as many bytes: for operators that only move elements.
template <typename F>
void for_size(DataType type, F f) {
    switch (size_of(type)) {
        case 1:
            return f(std::uint8_t{});
        case 2:
            return f(std::uint16_t{});
        case 4:
            return f(std::uint32_t{});
        default:
            return f(std::uint64_t{});
    }
}

/// The integers of input `i` (i32 or i64): axes, shapes, indexes.
Result<Integers> integers_of(const Run& run, std::int64_t i);
/// The one number in input `i`, of any numeric type.
Result<double> number_of(const Run& run, std::int64_t i);

/// `axis` counted from the end where negative; fails outside [-rank, rank).
Result<std::int64_t> settle_axis(const Run& run, std::int64_t axis, std::int64_t rank);

}  // namespace bunch::kernels
