// Pad: a border of constants, or of the tensor's own elements.
#include <algorithm>

#include "backends/kernels/bounds.h"
#include "backends/kernels/halves.h"
#include "backends/kernels/registry.h"
#include "backends/kernels/strided.h"

namespace bunch::kernels {
namespace {

enum class Mode : std::uint8_t { constant, edge, reflect, wrap };

// The source index for index `i` of a padded extent; -1 where the constant goes.
std::int64_t source(std::int64_t i, std::int64_t extent, Mode mode) {
    if (i >= 0 && i < extent) return i;
    switch (mode) {
        case Mode::edge:
            return std::clamp<std::int64_t>(i, 0, extent - 1);
        case Mode::wrap:
            return (i % extent + extent) % extent;
        case Mode::reflect: {
            if (extent == 1) return 0;
            const std::int64_t period = 2 * (extent - 1), at = (i % period + period) % period;
            return at < extent ? at : period - at;
        }
        case Mode::constant:
            break;
    }
    return -1;
}

Result<Mode> mode_of(Node& node) {
    const std::string text = node.attributes.text("mode", "constant");
    if (text == "constant") return Mode::constant;
    if (text == "edge") return Mode::edge;
    if (text == "reflect") return Mode::reflect;
    if (text == "wrap") return Mode::wrap;
    return node.wrong("has mode = '" + text + "'");
}

template <typename T>
void fill(const ConstTensorView& x, const TensorView& y, const Dims& begins, Mode mode, T value) {
    const Dims extents(x.shape), strides = extents.strides(), padded(y.shape);
    Dims index = Dims::filled(padded.rank(), 0);
    const std::int64_t last = padded.rank() - 1, total = count(y);
    T* to = data<T>(y);
    for (std::int64_t done = 0; done < total; done += padded[last]) {
        std::int64_t at = 0;
        bool outside = false;
        for (std::int64_t i = 0; i < last; ++i) {
            const std::int64_t from = source(index[i] - begins[i], extents[i], mode);
            outside = outside || from < 0;
            at += from * strides[i];
        }
        for (std::int64_t i = 0; i < padded[last]; ++i) {
            const std::int64_t from = source(i - begins[last], extents[last], mode);
            *to++ = outside || from < 0 ? value : data<T>(x)[at + from];
        }
        for (std::int64_t i = last; i-- > 0;) {
            if (++index[i] < padded[i]) break;
            index[i] = 0;
        }
    }
}

// Writes `number` as an element of `type` to `to`; whole types keep their zero.
void write_number(DataType type, float number, void* to) {
    const auto write = [to](auto element) { std::memcpy(to, &element, sizeof element); };
    if (type == DataType::f32) write(number);
    if (type == DataType::f64) write(static_cast<double>(number));
    if (type == DataType::f16) write(f16_from_float(number));
    if (type == DataType::bf16) write(bf16_from_float(number));
}

// `pads` has begins and ends for `axes`, or for all.
Status pad(Run& run, Mode mode, const Integers& pads, Integers axes, float number) {
    const ConstTensorView& x = run.input(0);
    Dims shape(x.shape), begins = Dims::filled(shape.rank(), 0);
    if (axes.empty())
        for (std::int64_t i = 0; i < shape.rank(); ++i) axes.push_back(i);
    if (pads.size() != 2 * axes.size() || shape.rank() == 0)
        return run.misfit("whose pads do not fit");
    for (std::size_t i = 0; i < axes.size(); ++i) {
        BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, axes[i], shape.rank()));
        const std::int64_t begin = pads[i], end = pads[i + axes.size()];
        const std::int64_t most = std::int64_t{1} << 40;
        if (std::max(std::abs(begin / 2), std::abs(end / 2)) > most ||
            shape[axis] + begin + end < 0 || (mode != Mode::constant && shape[axis] == 0))
            return run.wrong("has pads that do not fit its input " + x.shape.to_string());
        begins[axis] = begin;
        shape[axis] += begin + end;
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    if (y.bytes.empty()) return ok_status();
    const bool given = run.has(2) && run.input(2).type == x.type && count(run.input(2)) == 1;
    if (run.has(2) && !given) return run.misfit("but the value is one number of that type");
    for_size(x.type, [&](auto tag) {
        using T = decltype(tag);
        T value{};
        if (given)
            value = *data<T>(run.input(2));
        else
            write_number(x.type, number, &value);
        fill<T>(x, y, begins, mode, value);
    });
    return ok_status();
}

// Pads and value are attributes before opset 11 and inputs since.
Result<Kernel> make_pad(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(node.opset() < 11 ? 1 : 2, node.opset() < 11 ? 1 : 4));
    BUNCH_ASSIGN_OR_RETURN(const Mode mode, mode_of(node));
    if (node.opset() >= 11)
        return Kernel([mode](Run& run) {
            BUNCH_ASSIGN_OR_RETURN(const Integers pads, integers_of(run, 1));
            Integers axes;
            if (run.has(3)) {
                BUNCH_ASSIGN_OR_RETURN(axes, integers_of(run, 3));
            }
            return pad(run, mode, pads, axes, 0);
        });
    const Integers pads = node.attributes.integers("pads");
    const float value = bound_of(node.attributes, node.spec, "value", 0);
    return Kernel([mode, pads, value](Run& run) { return pad(run, mode, pads, {}, value); });
}

constexpr Entry kEntries[] = {{"Pad", make_pad, Halves::native}};

}  // namespace

std::span<const Entry> pad_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
