#include "backends/cpu/planner.h"

#include <memory>
#include <string>

#include "backends/cpu/plan_builder.h"

namespace bunch::cpu {
namespace {

Status plan_node(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    return std::visit(Overloaded{
                          [&](const Conv&) { return plan_conv(builder, index); },
                          [&](const Dense&) { return plan_dense(builder, index); },
                          [&](const MatMul&) { return plan_mat_mul(builder, index); },
                          [&](const Affine&) { return plan_affine(builder, node); },
                          [&](const Elementwise&) { return plan_elementwise(builder, node); },
                          [&](const Binary&) { return plan_binary(builder, node); },
                          [&](const Pool&) { return plan_pool(builder, node); },
                          [&](const Softmax&) { return plan_softmax(builder, node); },
                          [&](const Reshape&) { return plan_reshape(builder, node); },
                          [&](const Concat&) { return plan_concat(builder, node); },
                          [&](const Transpose&) { return plan_transpose(builder, node); },
                          [&](const Identity&) { return plan_identity(builder, node); },
                      },
                      node.op);
}

Status explained(const dnnl::error& error, const std::string& label) {
    return unimplemented(label + ": oneDNN cannot run this form of it on this processor (" +
                         error.what() + ")");
}

// Plans the nodes from `index` on that one Mlp computes; returns how many.
std::size_t plan_mlp(PlanBuilder& builder, std::size_t index) {
    const Graph& graph = builder.graph();
    if (!builder.options().fused_mlp) return 0;
    const std::span<const Node> rest = std::span(graph.nodes).subspan(index);
    const std::size_t length = mlp_chain_length(graph, rest);
    if (length == 0) return 0;
    for (const MlpVariant& variant : mlp_variants()) {
        if (!variant.usable) continue;
        const ValueId output = rest[length - 1].output;
        const Located given = builder.value(rest[0].inputs[0]);
        const Located source = builder.converted(given, builder.f32_desc(given.desc.dims()));
        const Located result = builder.destination(output, builder.f32_desc(builder.dims(output)));
        builder.add_mlp(std::make_shared<const Mlp>(graph, rest.first(length), variant), source,
                        output, result);
        builder.define(output, result);
        break;
    }
    return length;
}

}  // namespace

Result<Plan> make_plan(const Graph& graph, std::int64_t rows, WeightCache& weights,
                       const PlannerOptions& options) {
    std::string label = "model";
    try {
        PlanBuilder builder(graph, rows, weights, options);
        for (std::size_t i = 0; i < graph.nodes.size();) {
            label = graph.nodes[i].label;
            const std::size_t fused = plan_mlp(builder, i);
            if (fused == 0) BUNCH_RETURN_IF_ERROR(plan_node(builder, i));
            i += fused == 0 ? 1 : fused;
        }
        label = "output";
        return std::move(builder).finish();
    } catch (const dnnl::error& error) {
        return explained(error, label);
    } catch (const std::bad_alloc&) {
        return resource_exhausted(label + ": not enough memory to prepare it for " +
                                  std::to_string(rows) + " rows");
    }
}

}  // namespace bunch::cpu
