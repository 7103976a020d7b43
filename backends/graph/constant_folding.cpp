#include "backends/graph/constant_folding.h"

#include <cstring>
#include <utility>

#include "backends/kernels/registry.h"
#include "backends/kernels/strided.h"

namespace bunch {

Tensor transposed(const Tensor& input, std::span<const std::int64_t> order) {
    const kernels::Dims extents(input.shape), strides = extents.strides();
    BUNCH_CHECK(order.size() == input.shape.rank());
    kernels::Dims shape, steps;
    for (const std::int64_t from : order) {
        shape.push(extents[from]);
        steps.push(strides[from]);
    }
    Tensor output{input.type, shape.shape(), Buffer::allocate(input.buffer.size())};
    kernels::copy_strided(input.type, input.buffer.bytes().data(), 0, shape, steps,
                          output.buffer.bytes().data());
    return output;
}

Result<std::optional<std::vector<Tensor>>> fold(const OperatorGraph& graph,
                                                const OperatorNode& node, std::uint64_t limit) {
    BUNCH_ASSIGN_OR_RETURN(const kernels::Kernel kernel, kernels::make_kernel(node.spec));
    std::vector<kernels::Held> held;
    for (const auto& id : node.inputs)
        held.push_back({id ? graph.at(*id).constant->view() : ConstTensorView(), nullptr});
    std::vector<const kernels::Held*> inputs;
    for (std::size_t i = 0; i < held.size(); ++i)
        inputs.push_back(node.inputs[i] ? &held[i] : nullptr);
    kernels::Memory memory(limit);
    kernels::Run run(node.spec, inputs, memory);
    const Status status = kernel(run);
    if (status.code() == StatusCode::resource_exhausted)
        return std::optional<std::vector<Tensor>>();
    BUNCH_RETURN_IF_ERROR(status);
    std::vector<Tensor> results;
    for (const kernels::Held& result : run.results())
        results.push_back(
            {result.view.type, result.view.shape, Buffer::copy_of(result.view.bytes)});
    return std::optional(std::move(results));
}

}  // namespace bunch
