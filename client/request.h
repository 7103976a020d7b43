/// What a user of the client hands in and gets back. Values only; Connection and Client move them.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/data_type.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {

/// The data type of elements of C++ type T. FP16 and BF16 have no C++ type; their bytes go into
/// the buffer directly.
template <typename T>
constexpr DataType data_type_of() {
    static_assert(std::is_arithmetic_v<T>, "tensors hold numbers or bool");
    if constexpr (std::is_same_v<T, bool>) return DataType::boolean;
    if constexpr (std::is_same_v<T, float>) return DataType::f32;
    if constexpr (std::is_same_v<T, double>) return DataType::f64;
    constexpr bool is_signed = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return is_signed ? DataType::i8 : DataType::u8;
    if constexpr (sizeof(T) == 2) return is_signed ? DataType::i16 : DataType::u16;
    if constexpr (sizeof(T) == 4) return is_signed ? DataType::i32 : DataType::u32;
    return is_signed ? DataType::i64 : DataType::u64;
}

/// A tensor with its name. `buffer` has as many bytes as type and shape need.
struct NamedTensor {
    std::string name;
    DataType type = DataType::f32;
    Shape shape;
    Buffer buffer;

    /// The elements as numbers of C++ type T; empty if they are of another type.
    template <typename T>
    std::span<const T> values() const {
        if (type != data_type_of<T>()) return {};
        return {reinterpret_cast<const T*>(buffer.bytes().data()), buffer.size() / sizeof(T)};
    }
};

/// One inference. Names are limited as protocol/zmq_frames.h says.
struct Request {
    std::string model = {};
    std::string version = {};  ///< empty: the newest
    std::vector<NamedTensor> inputs = {};
    std::vector<std::string> outputs = {};  ///< empty: all
    std::optional<Duration> timeout = {};   ///< from submission
    std::uint8_t priority = 0;              ///< 1 is the most urgent, 0 is the default
    std::string tenant = {};                ///< empty: the default one
    bool late_ok = false;  ///< an answer after `timeout` is better than none: it never fails by it

    /// Adds an input with a copy of `values`, whose number must fit `shape`.
    template <typename T>
    void add_input(std::string name, const Shape& shape, std::span<const T> values) {
        inputs.push_back({std::move(name), data_type_of<std::remove_const_t<T>>(), shape,
                          Buffer::copy_of(std::as_bytes(values))});
    }
};

/// What became of a Request.
struct Response {
    Status status;
    std::vector<NamedTensor> outputs;  ///< empty on failure
    std::string model;
    std::string version;       ///< of the model that answered
    std::string device_class;  ///< where it ran
    std::string precision;     ///< in what arithmetic
    Duration elapsed{};        ///< from submission to answer

    /// The request itself, for its memory to be used again. The buffer of a large input is empty
    /// if ZeroMQ still holds it.
    Request request;

    /// The output of that name, or nothing.
    const NamedTensor* output(std::string_view name) const {
        for (const NamedTensor& tensor : outputs)
            if (tensor.name == name) return &tensor;
        return nullptr;
    }

    /// Elements of the output of that name; empty if there is none or it has another type.
    template <typename T>
    std::span<const T> values(std::string_view name) const {
        const NamedTensor* tensor = output(name);
        return tensor == nullptr ? std::span<const T>() : tensor->template values<T>();
    }
};

}  // namespace bunch
