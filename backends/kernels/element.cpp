#include "backends/kernels/element.h"

namespace bunch::kernels {

Result<Integers> integers_of(const Run& run, std::int64_t i) {
    const ConstTensorView& view = run.input(i);
    Integers result;
    if (view.type == DataType::i64) {
        result.assign(data<std::int64_t>(view), data<std::int64_t>(view) + count(view));
    } else if (view.type == DataType::i32) {
        result.assign(data<std::int32_t>(view), data<std::int32_t>(view) + count(view));
    } else {
        return run.wrong("needs integers in input " + std::to_string(i) + ", not " +
                         std::string(name_of(view.type)));
    }
    return result;
}

Result<double> number_of(const Run& run, std::int64_t i) {
    const ConstTensorView& view = run.input(i);
    if (count(view) != 1)
        return run.wrong("needs one number in input " + std::to_string(i) + ", not " +
                         view.shape.to_string());
    double result = 0;
    BUNCH_RETURN_IF_ERROR(for_numbers(run, view.type, [&](auto tag) {
        result = static_cast<double>(*data<decltype(tag)>(view));
        return ok_status();
    }));
    return result;
}

Result<std::int64_t> settle_axis(const Run& run, std::int64_t axis, std::int64_t rank) {
    if (axis < -rank || axis >= rank)
        return run.wrong("has axis " + std::to_string(axis) + ", outside the " +
                         std::to_string(rank) + " dimensions of its input");
    return axis < 0 ? axis + rank : axis;
}

}  // namespace bunch::kernels
