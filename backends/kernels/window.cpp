#include "backends/kernels/window.h"

#include <algorithm>

namespace bunch::kernels {
namespace {

constexpr std::int64_t kMost = 1 << 20;  // far above any real window, far below overflow

Status check_list(const Node& node, const char* name, const Integers& list, std::int64_t least) {
    for (const std::int64_t number : list)
        if (number < least || number > kMost)
            return node.wrong("has " + std::string(name) + " = " + std::to_string(number));
    return ok_status();
}

// `list` as `rank` numbers, `fallback` where it is empty.
Result<Dims> dims_of(const Run& run, const char* name, const Integers& list, std::int64_t rank,
                     std::int64_t fallback) {
    if (list.empty()) return Dims::filled(rank, fallback);
    if (static_cast<std::int64_t>(list.size()) != rank)
        return run.wrong("has " + std::to_string(list.size()) + " numbers in " + name + " for " +
                         std::to_string(rank) + " spatial dimensions");
    Dims dims;
    for (const std::int64_t number : list) dims.push(number);
    return dims;
}

Result<Window> begin(const Run& run, const WindowAttributes& given, const Dims& input,
                     const Dims& kernel) {
    Window window;
    window.rank = input.rank();
    window.input = window.output = input;
    window.kernel = kernel;
    if (kernel.rank() == 0 || !given.kernel.empty()) {
        BUNCH_ASSIGN_OR_RETURN(window.kernel,
                               dims_of(run, "kernel_shape", given.kernel, window.rank, 1));
    }
    for (std::int64_t i = 0; kernel.rank() != 0 && i < window.rank; ++i)
        if (kernel.rank() != window.rank || kernel[i] != window.kernel[i] || kernel[i] < 1)
            return run.misfit("whose kernel does not fit");
    BUNCH_ASSIGN_OR_RETURN(window.strides, dims_of(run, "strides", given.strides, window.rank, 1));
    BUNCH_ASSIGN_OR_RETURN(window.dilations,
                           dims_of(run, "dilations", given.dilations, window.rank, 1));
    const auto half = static_cast<std::ptrdiff_t>(given.pads.size() / 2);
    BUNCH_ASSIGN_OR_RETURN(
        window.pads_begin,
        dims_of(run, "pads", {given.pads.begin(), given.pads.begin() + half}, window.rank, 0));
    BUNCH_ASSIGN_OR_RETURN(
        window.pads_end,
        dims_of(run, "pads", {given.pads.begin() + half, given.pads.end()}, window.rank, 0));
    return window;
}

bool is_same(const WindowAttributes& given) {
    return given.auto_pad == "SAME_UPPER" || given.auto_pad == "SAME_LOWER";
}

void share_out(const WindowAttributes& given, Window& window, std::int64_t i, std::int64_t total) {
    const std::int64_t more = total - total / 2;
    window.pads_begin[i] = given.auto_pad == "SAME_LOWER" ? more : total / 2;
    window.pads_end[i] = total - window.pads_begin[i];
}

}  // namespace

Result<WindowAttributes> window_attributes(Node& node) {
    WindowAttributes given;
    given.kernel = node.attributes.integers("kernel_shape");
    given.strides = node.attributes.integers("strides");
    given.dilations = node.attributes.integers("dilations");
    given.pads = node.attributes.integers("pads");
    given.auto_pad = node.attributes.text("auto_pad", "NOTSET");
    BUNCH_RETURN_IF_ERROR(check_list(node, "kernel_shape", given.kernel, 1));
    BUNCH_RETURN_IF_ERROR(check_list(node, "strides", given.strides, 1));
    BUNCH_RETURN_IF_ERROR(check_list(node, "dilations", given.dilations, 1));
    BUNCH_RETURN_IF_ERROR(check_list(node, "pads", given.pads, 0));
    if (given.pads.size() % 2 != 0) return node.wrong("has an odd number of pads");
    if (given.auto_pad != "NOTSET" && given.auto_pad != "VALID" && !is_same(given))
        return node.wrong("has auto_pad = '" + given.auto_pad + "'");
    return given;
}

Result<Window> settle_window(const Run& run, const WindowAttributes& given, const Dims& input,
                             const Dims& kernel) {
    BUNCH_ASSIGN_OR_RETURN(Window w, begin(run, given, input, kernel));
    for (std::int64_t i = 0; i < w.rank; ++i) {
        const std::int64_t reach = (w.kernel[i] - 1) * w.dilations[i] + 1, stride = w.strides[i];
        if (given.auto_pad == "VALID") w.pads_begin[i] = w.pads_end[i] = 0;
        if (is_same(given)) {
            const std::int64_t outputs = (input[i] + stride - 1) / stride;
            share_out(given, w, i,
                      std::max<std::int64_t>(0, (outputs - 1) * stride + reach - input[i]));
        }
        const std::int64_t room = input[i] + w.pads_begin[i] + w.pads_end[i] - reach;
        if (room < 0)
            return run.wrong("has a window larger than its input " +
                             run.input(0).shape.to_string());
        w.output[i] = room / stride + 1;
        // A further window counts only if it begins inside the input or the padding before it.
        if (given.ceil && room % stride != 0 && w.output[i] * stride < input[i] + w.pads_begin[i])
            ++w.output[i];
    }
    return w;
}

Result<Window> settle_transposed(const Run& run, const WindowAttributes& given, const Dims& input,
                                 const Dims& kernel) {
    BUNCH_ASSIGN_OR_RETURN(Window w, begin(run, given, input, kernel));
    BUNCH_ASSIGN_OR_RETURN(const Dims more,
                           dims_of(run, "output_padding", given.output_padding, w.rank, 0));
    Integers wanted = given.output_shape;
    if (static_cast<std::int64_t>(wanted.size()) == w.rank + 2)
        wanted.erase(wanted.begin(), wanted.begin() + 2);
    BUNCH_ASSIGN_OR_RETURN(const Dims shape, dims_of(run, "output_shape", wanted, w.rank, 0));
    for (std::int64_t i = 0; i < w.rank; ++i) {
        const std::int64_t reach = (w.kernel[i] - 1) * w.dilations[i] + 1;
        if (more[i] < 0 || more[i] > kMost ||
            (!wanted.empty() && (shape[i] < 1 || shape[i] > kMaxExtent)))
            return run.wrong("has an output_padding or output_shape that cannot be");
        const std::int64_t full = w.strides[i] * (input[i] - 1) + more[i] + reach;
        if (given.auto_pad == "VALID") w.pads_begin[i] = w.pads_end[i] = 0;
        if (!wanted.empty() || is_same(given)) {
            const std::int64_t target = wanted.empty() ? input[i] * w.strides[i] : shape[i];
            const std::int64_t total = std::max<std::int64_t>(0, full - target);
            // The standard puts the odd pad at the begin unless SAME_UPPER.
            const bool upper = given.auto_pad == "SAME_UPPER";
            w.pads_begin[i] = upper ? total / 2 : total - total / 2;
            w.pads_end[i] = total - w.pads_begin[i];
            w.output[i] = target;
        } else {
            w.output[i] = full - w.pads_begin[i] - w.pads_end[i];
        }
        if (w.output[i] < 0 || input[i] < 1) return run.wrong("has pads larger than what it makes");
    }
    return w;
}

}  // namespace bunch::kernels
