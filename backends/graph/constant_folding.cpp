#include "backends/graph/constant_folding.h"

#include <array>
#include <cstring>
#include <utility>

#include "backends/graph/shape_inference.h"

namespace bunch {

Tensor transposed(const Tensor& input, std::span<const std::int64_t> order) {
    const std::size_t rank = input.shape.rank();
    BUNCH_CHECK(order.size() == rank);
    std::array<std::size_t, kMaxRank> strides{}, steps{}, index{};
    std::size_t stride = size_of(input.type);
    for (std::size_t i = rank; i-- > 0;) {
        strides[i] = stride;
        stride *= static_cast<std::size_t>(input.shape[i]);
    }
    Shape shape = input.shape;
    for (std::size_t i = 0; i < rank; ++i) {
        steps[i] = strides[static_cast<std::size_t>(order[i])];
        shape.set(i, input.shape[static_cast<std::size_t>(order[i])]);
    }
    Tensor output{input.type, shape, Buffer::allocate(input.buffer.size())};
    const std::size_t element = size_of(input.type);
    const std::byte* from = input.buffer.bytes().data();
    std::byte* to = output.buffer.bytes().data();
    for (std::size_t done = 0; done < input.buffer.size(); done += element) {
        std::memcpy(to + done, from, element);
        for (std::size_t i = rank; i-- > 0;) {
            from += steps[i];
            if (++index[i] < static_cast<std::size_t>(shape[i])) break;
            from -= steps[i] * index[i];
            index[i] = 0;
        }
    }
    return output;
}

Result<std::optional<Tensor>> fold(const Graph& graph, const Node& node) {
    if (node.inputs.size() != 1 || !graph.at(node.inputs[0]).constant)
        return std::optional<Tensor>();
    const Tensor& input = *graph.at(node.inputs[0]).constant;
    Node settled = node;
    if (std::holds_alternative<Identity>(node.op) || std::holds_alternative<Reshape>(node.op)) {
        BUNCH_ASSIGN_OR_RETURN(const Shape shape, infer_output_shape(graph, settled));
        return std::optional<Tensor>(
            Tensor{input.type, shape, Buffer::copy_of(input.buffer.bytes())});
    }
    if (std::holds_alternative<Transpose>(node.op)) {
        BUNCH_RETURN_IF_ERROR(infer_output_shape(graph, settled).status());
        return std::optional<Tensor>(transposed(input, std::get<Transpose>(settled.op).order));
    }
    return std::optional<Tensor>();
}

}  // namespace bunch
