// Cast and CastLike: any numeric type to any other.
#include <cmath>
#include <limits>
#include <type_traits>

#include "backends/kernels/element.h"
#include "backends/kernels/halves.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

// A float that does not fit an integer becomes its nearest one; NaN becomes 0. C++ leaves both
// undefined, and implementations differ.
template <typename To, typename From>
To converted(From x) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        constexpr auto kLeast = static_cast<double>(std::numeric_limits<To>::min());
        constexpr auto kMost = static_cast<double>(std::numeric_limits<To>::max());
        const auto number = static_cast<double>(x);
        if (!(number >= kLeast)) return number < kLeast ? std::numeric_limits<To>::min() : To{};
        return number >= kMost ? std::numeric_limits<To>::max() : static_cast<To>(number);
    } else {
        return static_cast<To>(x);
    }
}

// From a type with a C++ counterpart to any.
template <typename From>
Status cast_from(const Run& run, const From* from, const TensorView& to) {
    const std::int64_t n = count(to);
    if (to.type == DataType::boolean) {
        for (std::int64_t i = 0; i < n; ++i) data<std::uint8_t>(to)[i] = from[i] != From{} ? 1 : 0;
        return ok_status();
    }
    if (to.type == DataType::f16 || to.type == DataType::bf16) {
        const auto narrow = to.type == DataType::f16 ? f16_from_float : bf16_from_float;
        for (std::int64_t i = 0; i < n; ++i)
            data<std::uint16_t>(to)[i] = narrow(static_cast<float>(from[i]));
        return ok_status();
    }
    return for_numbers(run, to.type, [&](auto tag) {
        using To = decltype(tag);
        for (std::int64_t i = 0; i < n; ++i) data<To>(to)[i] = converted<To>(from[i]);
        return ok_status();
    });
}

Status cast(Run& run, DataType type) {
    const ConstTensorView& x = run.input(0);
    if (x.type == type) {
        run.forward(0, 0, x.shape);
        return ok_status();
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, type, x.shape));
    if (x.type == DataType::boolean) return cast_from(run, data<std::uint8_t>(x), y);
    if (x.type == DataType::f16 || x.type == DataType::bf16) {
        const auto wide = x.type == DataType::f16 ? float_from_f16 : float_from_bf16;
        std::vector<float> floats(static_cast<std::size_t>(count(x)));
        for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = wide(data<std::uint16_t>(x)[i]);
        return cast_from(run, floats.data(), y);
    }
    return for_numbers(run, x.type,
                       [&](auto tag) { return cast_from(run, data<decltype(tag)>(x), y); });
}

// The reader has turned ONNX's number of a type into ours (see operator_graph.h).
Result<Kernel> make_cast(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const std::int64_t to = node.attributes.integer("to", -1);
    if (to < 0 || !is_data_type(static_cast<std::uint8_t>(to)))
        return node.unsupported("to a type that is no number or bool");
    return Kernel([type = static_cast<DataType>(to)](Run& run) { return cast(run, type); });
}

Result<Kernel> make_cast_like(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) { return cast(run, run.input(1).type); });
}

constexpr Entry kEntries[] = {
    {"Cast", make_cast, Halves::native},
    {"CastLike", make_cast_like, Halves::native},
};

}  // namespace

std::span<const Entry> cast_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
