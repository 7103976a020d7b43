// Tensors out of nothing but parameters: Constant, ConstantOfShape, Range, EyeLike, OneHot.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "backends/kernels/bounds.h"
#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

template <typename T>
std::shared_ptr<const Tensor> tensor_of(DataType type, const std::vector<T>& numbers, bool scalar) {
    const Shape shape = scalar ? Shape{} : Shape{static_cast<std::int64_t>(numbers.size())};
    return std::make_shared<const Tensor>(
        Tensor{type, shape, Buffer::copy_of(std::as_bytes(std::span(numbers)))});
}

Result<Kernel> make_constant(Node& node) {
    Attributes& given = node.attributes;
    std::shared_ptr<const Tensor> tensor;
    if (given.has("value"))
        tensor = given.tensor("value");
    else if (given.has("value_float"))
        tensor =
            tensor_of(DataType::f32, Floats{bound_of(given, node.spec, "value_float", 0)}, true);
    else if (given.has("value_floats"))
        tensor = tensor_of(DataType::f32, given.numbers("value_floats"), false);
    else if (given.has("value_int"))
        tensor = tensor_of(DataType::i64, Integers{given.integer("value_int", 0)}, true);
    else if (given.has("value_ints"))
        tensor = tensor_of(DataType::i64, given.integers("value_ints"), false);
    if (tensor == nullptr) return node.unsupported("without a value of numbers");
    return Kernel([tensor](Run& run) {
        run.set(0, {tensor->view(), tensor});
        return ok_status();
    });
}

// Repeats the one element in `value` over `y`.
void fill(const TensorView& y, std::span<const std::byte> value) {
    for (std::size_t i = 0; i < y.bytes.size(); i += value.size())
        std::copy(value.begin(), value.end(), y.bytes.begin() + static_cast<std::ptrdiff_t>(i));
}

Result<Kernel> make_constant_of_shape(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    std::shared_ptr<const Tensor> value = node.attributes.tensor("value");
    if (value == nullptr) value = tensor_of(DataType::f32, Floats{0}, false);
    if (value->buffer.size() != size_of(value->type))
        return node.wrong("has a value that is not one number");
    return Kernel([value](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const Integers extents, integers_of(run, 0));
        const auto shape = Shape::from(extents);
        if (!shape || shape->is_open()) return run.wrong("asks for a shape that cannot be");
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, value->type, *shape));
        fill(y, value->buffer.bytes());
        return ok_status();
    });
}

// start + i * delta; integers wrap around, which only unsigned ones may.
template <typename T>
T step_of(T start, T delta, std::int64_t i) {
    if constexpr (std::is_floating_point_v<T>)
        return start + static_cast<T>(i) * delta;
    else
        return static_cast<T>(static_cast<std::uint64_t>(start) +
                              static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(delta));
}

Result<Kernel> make_range(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    return Kernel([](Run& run) {
        const DataType type = run.input(0).type;
        double bounds[3];
        for (std::int64_t i = 0; i < 3; ++i) {
            if (run.input(i).type != type) return run.misfit();
            BUNCH_ASSIGN_OR_RETURN(bounds[i], number_of(run, i));
        }
        const double steps = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
        if (!(bounds[2] != 0) || !(steps < 0x1p40)) return run.wrong("has a range without end");
        const auto n = static_cast<std::int64_t>(std::max(0.0, steps));
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, type, Shape{n}));
        return for_numbers(run, type, [&](auto tag) {
            using T = decltype(tag);
            const T start = *data<T>(run.input(0)), delta = *data<T>(run.input(2));
            for (std::int64_t i = 0; i < n; ++i) data<T>(y)[i] = step_of(start, delta, i);
            return ok_status();
        });
    });
}

Result<Kernel> make_eye_like(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const std::int64_t k = node.attributes.integer("k", 0);
    const std::int64_t type = node.attributes.integer("dtype", -1);
    if (node.attributes.has("dtype") && type < 0) return node.unsupported("of that dtype");
    return Kernel([k, type](Run& run) {
        const Dims extents(run.input(0).shape);
        if (extents.rank() != 2) return run.misfit();
        const DataType wanted = type < 0 ? run.input(0).type : static_cast<DataType>(type);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, wanted, run.input(0).shape));
        const DataType counted = wanted == DataType::boolean ? DataType::u8 : wanted;
        return for_numbers(run, counted, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t i = 0; i < count(y); ++i)
                data<T>(y)[i] = static_cast<T>(i % extents[1] - i / extents[1] == k ? 1 : 0);
            return ok_status();
        });
    });
}

Status one_hot(Run& run, std::int64_t given_axis) {
    const Dims where(run.input(0).shape);
    BUNCH_ASSIGN_OR_RETURN(const double wanted, number_of(run, 1));
    if (!(wanted >= 0 && wanted < 0x1p40) || count(run.input(2)) != 2 ||
        run.input(0).shape.rank() == kMaxRank)
        return run.misfit();
    const auto depth = static_cast<std::int64_t>(wanted);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, where.rank() + 1));
    Dims shape;
    for (std::int64_t i = 0; i <= where.rank(); ++i)
        shape.push(i == axis ? depth : where[i < axis ? i : i - 1]);
    const std::size_t size = size_of(run.input(2).type);
    const auto off = run.input(2).bytes.first(size), on = run.input(2).bytes.subspan(size, size);
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(2).type, shape.shape()));
    fill(y, off);
    const std::int64_t inner = where.product(axis, where.rank());
    return for_numbers(run, run.input(0).type, [&](auto tag) {
        for (std::int64_t i = 0; i < count(run.input(0)); ++i) {
            const auto number = static_cast<double>(data<decltype(tag)>(run.input(0))[i]);
            if (!(number >= -wanted && number < wanted)) continue;
            const auto index = static_cast<std::int64_t>(number < 0 ? number + wanted : number);
            const std::int64_t at = (i / inner * depth + index) * inner + i % inner;
            std::copy(on.begin(), on.end(), y.bytes.begin() + at * static_cast<std::int64_t>(size));
        }
        return ok_status();
    });
}

Result<Kernel> make_one_hot(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    return Kernel(
        [axis = node.attributes.integer("axis", -1)](Run& run) { return one_hot(run, axis); });
}

constexpr Entry kEntries[] = {
    {"Constant", make_constant, Halves::native},
    {"ConstantOfShape", make_constant_of_shape, Halves::native},
    {"Range", make_range},
    {"EyeLike", make_eye_like},
    {"OneHot", make_one_hot, Halves::native},
};

}  // namespace

std::span<const Entry> generator_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
