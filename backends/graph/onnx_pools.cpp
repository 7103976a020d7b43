// Windows that slide over images: those of Conv, and the pools.
#include <algorithm>

#include "backends/graph/onnx_node.h"

namespace bunch {
namespace {

// Far above any real network, far below what could overflow.
constexpr std::int64_t kMaxWindow = 1 << 16;

Status read_pair(OnnxNode& node, const char* name, std::int64_t least,
                 std::array<std::int64_t, 2>& pair) {
    const auto given = node.attributes.integers(name);
    if (given.empty()) return ok_status();
    if (given.size() != 2)
        return node.unsupported("with " + std::to_string(given.size()) + " spatial dimensions in " +
                                name);
    for (std::size_t i = 0; i < 2; ++i) {
        if (given[i] < least || given[i] > kMaxWindow)
            return node.wrong("has " + std::string(name) + " = " + std::to_string(given[i]));
        pair[i] = given[i];
    }
    return ok_status();
}

Status read_pads(OnnxNode& node, Window& window) {
    const auto pads = node.attributes.integers("pads");
    if (pads.empty()) return ok_status();
    const auto fits = [](std::int64_t pad) { return pad >= 0 && pad <= kMaxWindow; };
    if (pads.size() != 4 || !std::all_of(pads.begin(), pads.end(), fits))
        return node.unsupported("with these pads (two begins, two ends, none negative are)");
    window.pads_begin = {pads[0], pads[1]};
    window.pads_end = {pads[2], pads[3]};
    return ok_status();
}

Result<AutoPad> read_auto_pad(OnnxNode& node) {
    const std::string text = node.attributes.text("auto_pad", "NOTSET");
    if (text == "NOTSET") return AutoPad::explicit_pads;
    if (text == "VALID") return AutoPad::valid;
    if (text == "SAME_UPPER") return AutoPad::same_upper;
    if (text == "SAME_LOWER") return AutoPad::same_lower;
    return node.wrong("has auto_pad = '" + text + "'");
}

Result<Node> read_pool(OnnxNode& node, Pool::Kind kind) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    Pool pool;
    pool.kind = kind;
    if (!node.attributes.has("kernel_shape")) return node.wrong("has no kernel_shape");
    BUNCH_ASSIGN_OR_RETURN(pool.window, read_window(node));
    pool.window.ceil_mode = node.attributes.integer("ceil_mode", 0) != 0;
    if (kind == Pool::Kind::average)
        pool.counts_padding = node.attributes.integer("count_include_pad", 0) != 0;
    if (kind == Pool::Kind::max) node.attributes.ignore("storage_order");
    for (std::size_t i = 0; i < 2; ++i) {
        const std::int64_t reach = (pool.window.kernel[i] - 1) * pool.window.dilations[i] + 1;
        if (pool.window.pads_begin[i] >= reach || pool.window.pads_end[i] >= reach)
            return node.wrong("has pads that reach a whole window beyond the image");
    }
    if (pool.counts_padding && pool.window.ceil_mode)
        return node.unsupported("with ceil_mode and count_include_pad together");
    return node.make(pool);
}

Result<Node> read_max_pool(OnnxNode& node) {
    return read_pool(node, Pool::Kind::max);
}
Result<Node> read_average_pool(OnnxNode& node) {
    return read_pool(node, Pool::Kind::average);
}

Result<Node> read_global_average(OnnxNode& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    Pool pool;
    pool.kind = Pool::Kind::average;
    pool.global = true;
    return node.make(pool);
}

constexpr OperatorReader kReaders[] = {
    {"MaxPool", read_max_pool},
    {"AveragePool", read_average_pool},
    {"GlobalAveragePool", read_global_average},
};

}  // namespace

Result<Window> read_window(OnnxNode& node) {
    Window window;
    BUNCH_RETURN_IF_ERROR(read_pair(node, "kernel_shape", 1, window.kernel));
    BUNCH_RETURN_IF_ERROR(read_pair(node, "strides", 1, window.strides));
    BUNCH_RETURN_IF_ERROR(read_pair(node, "dilations", 1, window.dilations));
    BUNCH_ASSIGN_OR_RETURN(window.auto_pad, read_auto_pad(node));
    BUNCH_RETURN_IF_ERROR(read_pads(node, window));
    return window;
}

std::span<const OperatorReader> pool_readers() {
    return kReaders;
}

}  // namespace bunch
