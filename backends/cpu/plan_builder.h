/// What the planners of single operators work with: values with their layouts, steps, buffers.
/// Internal to backends/cpu. Functions here and those that use them throw dnnl::error;
/// planner.cpp catches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/cpu/plan.h"
#include "backends/cpu/planner.h"
#include "backends/cpu/weights.h"
#include "backends/graph/graph.h"
#include "core/status.h"

namespace bunch::cpu {

/// Memory in the making: a model's input or output, a constant, or a piece of the arena, whose
/// offset is settled at the end.
using BufferId = Id<struct BufferTag, std::uint32_t>;

/// A tensor with its layout and its memory. Several may lie in one buffer.
struct Located {
    dnnl::memory::desc desc;
    BufferId buffer;
};

class PlanBuilder {
  public:
    PlanBuilder(const Graph& graph, std::int64_t rows, WeightCache& weights,
                const PlannerOptions& options);

    const Graph& graph() const { return graph_; }
    const dnnl::engine& engine() const { return engine_; }
    const PlannerOptions& options() const { return options_; }
    std::int64_t rows() const { return rows_; }
    /// The extents of `id` with rows filled in; a scalar is [1].
    dnnl::memory::dims dims(ValueId id) const;

    /// Where `id` was computed, as its producer laid it out; in floats, even if it has a grid.
    Located value(ValueId id);
    /// The integers of `id`, which has a grid.
    Located integers(ValueId id) const { return integers_.at(id); }
    /// integers() if `node` makes the same integers of its inputs' integers as it makes numbers of
    /// numbers, else value(). For nodes that only move elements, and maxima.
    Located operand(const Node& node, ValueId id) {
        return keeps_grid(node) ? integers(id) : value(id);
    }
    /// `id` in row-major order and type(), converted if needed.
    Located plain(ValueId id) { return plain(value(id)); }
    /// The same; integers stay integers.
    Located plain(const Located& located) {
        return converted(located, row_major(located.desc.dims(), plain_type(located)));
    }
    /// `located` if it is of type() or integers, else as plain().
    Located typed(const Located& located) {
        return located.desc.data_type() == plain_type(located) ? located : plain(located);
    }
    /// `located` in layout `desc`, converted if needed.
    Located converted(const Located& located, const dnnl::memory::desc& desc);
    /// The constant `id`, seen as `given`, in layout `wanted`.
    Located constant(ValueId id, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);

    /// A buffer for what computes `id` in layout `desc`: the model's output where that is possible.
    Located destination(ValueId id, const dnnl::memory::desc& desc);
    /// Whether node `index` may overwrite its residual `located` while it runs: it does not read
    /// it as an input too, and nobody needs it afterwards.
    bool may_overwrite(const Located& located, std::size_t index) const;
    /// `located` is `id`: its integers, or numbers, which are rounded now if `id` has a grid.
    void define(ValueId id, const Located& located);

    using Arguments = std::initializer_list<std::pair<int, Located>>;
    /// Adds `primitive`, and memory for the scratchpad that `descriptor` asks for.
    template <typename Descriptor>
    void add_step(const Descriptor& descriptor, const dnnl::primitive& primitive,
                  const std::string& label, Arguments arguments) {
        add_step(primitive, label + " " + descriptor.impl_info_str(), descriptor.scratchpad_desc(),
                 {arguments.begin(), arguments.end()});
    }
    void add_step(const dnnl::primitive& primitive, std::string description,
                  const dnnl::memory::desc& scratchpad,
                  const std::vector<std::pair<int, Located>>& arguments);
    /// `output` is what it computes.
    void add_mlp(std::shared_ptr<const Mlp> mlp, const Located& source, ValueId output,
                 const Located& destination);

    /// The Conv node `node`, on channels-last tensors.
    void add_winograd(const Node& node, const Located& source, const Located& destination);

    /// The Dense node `node` for `rows` rows of it.
    void add_streamed(const Node& node, mlp_kernel::Streamed run, std::int64_t rows,
                      const Located& source, const Located& destination);

    /// Layer `label` stays in floats though the model has integers for it.
    void stays_in_floats(const std::string& label, const std::string& why) {
        plan_.in_floats.push_back(label + ": " + why);
    }

    /// Joins row-major `sources` along `axis`.
    void add_concat(const std::string& label, std::span<const Located> sources, std::size_t axis,
                    const Located& destination);

    /// Copies outputs that were computed elsewhere to where they belong, and lays out the arena.
    Plan finish() &&;

    /// Elements of tensors between layers.
    dnnl::memory::data_type type() const { return type_; }
    /// Row-major, of type().
    dnnl::memory::desc plain_desc(const dnnl::memory::dims& dims) const {
        return row_major(dims, type_);
    }
    /// Row-major, of f32: inputs, outputs and constants as the model has them.
    static dnnl::memory::desc f32_desc(const dnnl::memory::dims& dims) {
        return row_major(dims, dnnl::memory::data_type::f32);
    }
    /// As the primitive likes, of type().
    dnnl::memory::desc any_desc(const dnnl::memory::dims& dims) const;

  private:
    static dnnl::memory::desc row_major(const dnnl::memory::dims& dims,
                                        dnnl::memory::data_type type);
    dnnl::memory::data_type plain_type(const Located& located) const;
    bool keeps_grid(const Node& node) const;
    Located quantised(const Located& located, const Grid& grid);
    void add_dequantise(const Located& integers, const Grid& grid, const Located& numbers);

    struct BufferUse {
        Place::Kind kind = Place::Kind::arena;
        std::size_t index = 0;
        std::size_t bytes = 0;
        void* address = nullptr;
        std::size_t first_step = 0, last_step = 0;
        std::size_t offset = 0;
    };

    BufferId add_buffer(BufferUse use);
    void touch(BufferId buffer);
    dnnl::memory::desc outer_desc(ValueId id) const;
    void deliver(std::size_t output);
    void lay_out_arena();
    void settle(Place& place) const;
    static Place unsettled(const Located& located) {
        // The offset holds the buffer until the arena is laid out.
        return {Place::Kind::arena, 0, located.buffer.value, nullptr};
    }

    const Graph& graph_;
    const std::int64_t rows_;
    WeightCache& weights_;
    PlannerOptions options_;
    dnnl::memory::data_type type_;
    dnnl::engine engine_;
    Plan plan_;
    std::vector<BufferUse> buffers_;
    std::map<ValueId, Located> values_;    ///< in floats
    std::map<ValueId, Located> integers_;  ///< on their grids
};

/// oneDNN's name for the integers of `grid`.
dnnl::memory::data_type integer_type(const Grid& grid);
/// `desc` with elements of another type.
dnnl::memory::desc with_type(dnnl::memory::desc desc, dnnl::memory::data_type type);

/// Appends to `ops` that numbers are rounded to `grid`.
void append_grid(dnnl::post_ops& ops, const Grid& grid);
/// Appends `activation` to `ops`, or nothing for the identity.
void append_activation(dnnl::post_ops& ops, const Activation& activation);

/// What follows the products of a layer in floats: grid, sum, activation.
dnnl::post_ops epilogue_of(const Node& node);
/// The extents of a convolution's weights, [m, c, kh, kw] or [groups, m / groups, c, kh, kw].
dnnl::memory::dims conv_weights(const PlanBuilder& builder, const Node& node, const Conv& conv);
/// A convolution's primitive for tensors of these types and of any layout.
struct ConvTypes {
    dnnl::memory::data_type source, weights, result;
};
dnnl::convolution_forward::primitive_desc describe_conv(const PlanBuilder& builder,
                                                        const Node& node, const ConvTypes& types,
                                                        dnnl::algorithm algorithm,
                                                        const dnnl::primitive_attr& attributes);
/// Whether `implementation` is one that nobody wants in a layer of so many products per row.
bool is_too_slow(std::string_view implementation, std::int64_t macs_per_row);

/// Attributes with `ops` and scratch memory of ours.
dnnl::primitive_attr attributes_with(const dnnl::post_ops& ops);

// One function per operator: they plan node `index` of the graph. plan_layers.cpp:
Status plan_conv(PlanBuilder& builder, std::size_t index);
Status plan_dense(PlanBuilder& builder, std::size_t index);
Status plan_mat_mul(PlanBuilder& builder, std::size_t index);
// plan_integers.cpp: false, and nothing planned, if oneDNN has no fast way.
bool plan_integer_conv(PlanBuilder& builder, std::size_t index);
bool plan_integer_dense(PlanBuilder& builder, std::size_t index);
// plan_pointwise.cpp:
Status plan_affine(PlanBuilder& builder, const Node& node);
Status plan_elementwise(PlanBuilder& builder, const Node& node);
Status plan_binary(PlanBuilder& builder, const Node& node);
Status plan_softmax(PlanBuilder& builder, const Node& node);
// plan_pools.cpp:
Status plan_pool(PlanBuilder& builder, const Node& node);
// plan_layout.cpp:
Status plan_reshape(PlanBuilder& builder, const Node& node);
Status plan_transpose(PlanBuilder& builder, const Node& node);
Status plan_concat(PlanBuilder& builder, const Node& node);
Status plan_identity(PlanBuilder& builder, const Node& node);

}  // namespace bunch::cpu
