#include "backends/cpu/model_probe.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "backends/graph/row_flow.h"

namespace bunch::cpu {
namespace {

// Lengths to try for extents that a model leaves open besides the rows: it may need some least
// length, or a multiple of something.
constexpr std::int64_t kLengths[] = {16, 32, 64, 24, 8, 128, 4, 256, 2, 1};
constexpr std::size_t kSmall = 512;  // bytes of a tensor that is part of shape arithmetic
constexpr std::int64_t kFirstRows = 2, kSecondRows = 3;

/// What open extents besides the rows are in a run.
struct Lengths {
    std::int64_t usual = 0;
    std::string name{};  ///< extents of this name are `named` instead; empty: none are
    std::int64_t named = 0;
};

/// One run and what it told.
struct ProbeRun {
    RunShapes shapes;
    std::vector<TensorSpec> outputs;
    std::uint64_t peak = 0;
};

class Prober {
  public:
    Prober(const OperatorGraph& graph, const InterpreterOptions& options)
        : graph_(graph), options_(options) {}

    Result<ModelProbe> probe();

  private:
    bool rows_are_open() const;
    bool has_lengths() const;
    Shape shape_of(const OperatorInput& input, std::int64_t rows, const Lengths& lengths) const;
    Tensor input_of(const OperatorInput& input, const Shape& shape) const;
    TensorSpec spec_of(const OperatorInput& input) const;
    Result<ProbeRun> run(std::int64_t rows, const Lengths& lengths) const;
    Result<ProbeRun> first_run(std::int64_t& length) const;
    Status open_lengths(std::int64_t length, const ProbeRun& first,
                        ModelSignature& signature) const;
    void name_extents(std::int64_t length, const ProbeRun& first, ModelSignature& signature) const;

    const OperatorGraph& graph_;
    const InterpreterOptions& options_;
};

// Extent 0 of every input counts rows, and no other extent has its name.
bool Prober::rows_are_open() const {
    if (graph_.inputs.empty()) return false;
    for (const OperatorInput& input : graph_.inputs) {
        if (input.shape.rank() == 0 || input.shape[0] != kAnyExtent) return false;
        for (const OperatorInput& other : graph_.inputs)
            for (std::size_t i = 1; i < other.shape.rank(); ++i)
                if (!input.extent_names[0].empty() &&
                    other.extent_names[i] == input.extent_names[0])
                    return false;
    }
    return true;
}

bool Prober::has_lengths() const {
    const std::size_t first = rows_are_open() ? 1 : 0;
    return std::any_of(graph_.inputs.begin(), graph_.inputs.end(),
                       [first](const OperatorInput& input) {
                           for (std::size_t i = first; i < input.shape.rank(); ++i)
                               if (input.shape[i] == kAnyExtent) return true;
                           return false;
                       });
}

Shape Prober::shape_of(const OperatorInput& input, std::int64_t rows,
                       const Lengths& lengths) const {
    Shape shape = input.shape;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        if (shape[i] != kAnyExtent) continue;
        const bool is_named = !lengths.name.empty() && input.extent_names[i] == lengths.name;
        shape.set(i, i == 0 && rows_are_open() ? rows : is_named ? lengths.named : lengths.usual);
    }
    return shape;
}

// Names are of extents that requests choose, so not of the rows.
TensorSpec Prober::spec_of(const OperatorInput& input) const {
    TensorSpec spec{graph_.at(input.value).name, input.type, input.shape, input.extent_names};
    if (!spec.dimensions.empty() && rows_are_open()) spec.dimensions[0].clear();
    if (std::all_of(spec.dimensions.begin(), spec.dimensions.end(),
                    [](const std::string& name) { return name.empty(); }))
        spec.dimensions.clear();
    return spec;
}

Tensor Prober::input_of(const OperatorInput& input, const Shape& shape) const {
    Tensor tensor{
        input.type, shape,
        Buffer::allocate(static_cast<std::size_t>(byte_size(input.type, shape).value_or(0)))};
    const auto bytes = tensor.buffer.bytes();
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    std::mt19937 random(1);
    const auto fill = [&]<typename T>(T* numbers) {
        for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i)
            numbers[i] = static_cast<T>(static_cast<double>(random()) * 0x1p-31 - 1);
    };
    if (input.type == DataType::f32) fill(reinterpret_cast<float*>(bytes.data()));
    if (input.type == DataType::f64) fill(reinterpret_cast<double*>(bytes.data()));
    return tensor;
}

Result<ProbeRun> Prober::run(std::int64_t rows, const Lengths& lengths) const {
    std::vector<Tensor> tensors;
    std::vector<ConstTensorView> inputs;
    ProbeRun result;
    result.shapes.rows = rows;
    result.shapes.shapes.resize(graph_.values.size());
    result.shapes.small.resize(graph_.values.size());
    for (std::size_t i = 0; i < graph_.values.size(); ++i)
        if (const auto& constant = graph_.values[i].constant)
            result.shapes.shapes[i] = constant->shape;
    for (const OperatorInput& input : graph_.inputs) {
        const Shape shape = shape_of(input, rows, lengths);
        const auto bytes = byte_size(input.type, shape);
        if (!bytes || *bytes > options_.memory_limit)
            return resource_exhausted("input '" + graph_.at(input.value).name + "' of shape " +
                                      shape.to_string() + " is too large");
        tensors.push_back(input_of(input, shape));
        result.shapes.shapes[input.value.value] = shape;
    }
    for (const Tensor& tensor : tensors) inputs.push_back(tensor.view());
    BUNCH_ASSIGN_OR_RETURN(const auto interpreter, Interpreter::prepare(graph_, options_));
    interpreter->observe([&](const Interpreter::NodeRun& one) {
        for (std::size_t i = 0; i < one.node.outputs.size(); ++i) {
            if (!one.node.outputs[i]) continue;
            const std::size_t value = one.node.outputs[i]->value;
            const ConstTensorView& view = one.outputs[i].view;
            result.shapes.shapes[value] = view.shape;
            // What is computed from shapes may be the same whatever the rows.
            if (!graph_.values[value].from_data && view.bytes.size() <= kSmall)
                result.shapes.small[value].assign(view.bytes.begin(), view.bytes.end());
        }
    });
    BUNCH_ASSIGN_OR_RETURN(const std::vector<kernels::Held> outputs, interpreter->run(inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
        result.outputs.push_back(
            {graph_.at(graph_.outputs[i]).name, outputs[i].view.type, outputs[i].view.shape});
    result.peak = interpreter->peak_bytes();
    return result;
}

// The first length with which the model runs; if there is none, what it says to the first.
Result<ProbeRun> Prober::first_run(std::int64_t& length) const {
    Result<ProbeRun> first = run(kFirstRows, {length = kLengths[0]});
    if (first.ok() || !has_lengths()) return first;
    for (const std::int64_t other : kLengths)
        if (Result<ProbeRun> next = run(kFirstRows, {length = other}); next.ok()) return next;
    return first;
}

// Output extents that follow another length are open.
Status Prober::open_lengths(std::int64_t length, const ProbeRun& first,
                            ModelSignature& signature) const {
    if (!has_lengths()) return ok_status();
    for (const std::int64_t other : kLengths) {
        if (other == length) continue;
        const Result<ProbeRun> next = run(kFirstRows, {other});
        if (!next.ok()) continue;
        for (std::size_t o = 0; o < signature.outputs.size(); ++o) {
            const Shape &a = first.outputs[o].shape, &b = next->outputs[o].shape;
            if (a.rank() != b.rank())
                return unimplemented("output '" + first.outputs[o].name +
                                     "' has a rank that depends on its inputs' extents");
            for (std::size_t i = 0; i < a.rank(); ++i)
                if (a[i] != b[i]) signature.outputs[o].shape.set(i, kAnyExtent);
        }
        return ok_status();
    }
    return unimplemented("the model leaves extents of its inputs open, but runs only if they are " +
                         std::to_string(length) + "; export it with that extent fixed");
}

// An open extent of an output that changes with the extents of one name, and is equal to them, has
// that name.
void Prober::name_extents(std::int64_t length, const ProbeRun& first,
                          ModelSignature& signature) const {
    const auto is_open = [](const TensorSpec& output) {
        return output.shape.rank() > 0 && output.shape.with_rows(1).is_open();
    };
    if (std::none_of(signature.outputs.begin(), signature.outputs.end(), is_open)) return;
    std::set<std::string> names;
    for (const TensorSpec& input : signature.inputs)
        names.insert(input.dimensions.begin(), input.dimensions.end());
    names.erase("");
    for (const std::string& name : names)
        for (const std::int64_t other : kLengths) {
            if (other == length) continue;
            const Result<ProbeRun> next = run(kFirstRows, {length, name, other});
            if (!next.ok()) continue;
            for (std::size_t o = 0; o < signature.outputs.size(); ++o) {
                TensorSpec& output = signature.outputs[o];
                const Shape &a = first.outputs[o].shape, &b = next->outputs[o].shape;
                for (std::size_t i = 0; a.rank() == b.rank() && i < a.rank(); ++i) {
                    if (a[i] != length || b[i] != other) continue;
                    output.dimensions.resize(a.rank());
                    output.dimensions[i] = name;
                }
            }
            break;
        }
}

Result<ModelProbe> Prober::probe() {
    for (const ValueId id : graph_.outputs)
        if (graph_.at(id).shape_from_data)
            return unimplemented("output '" + graph_.at(id).name +
                                 "' has a shape that depends on the data, which is not supported");
    ModelProbe result;
    std::int64_t length = 0;
    BUNCH_ASSIGN_OR_RETURN(const ProbeRun first, first_run(length));
    result.signature.outputs = first.outputs;
    for (const OperatorInput& input : graph_.inputs)
        result.signature.inputs.push_back(spec_of(input));
    result.signature.batched = false;
    result.bytes_per_row = first.peak / kFirstRows;
    BUNCH_RETURN_IF_ERROR(open_lengths(length, first, result.signature));
    name_extents(length, first, result.signature);
    if (!rows_are_open()) {
        result.why_not_batched =
            "not every input leaves its first extent, and only that, to the number of rows";
        result.bytes_per_row = first.peak;
        return result;
    }
    BUNCH_ASSIGN_OR_RETURN(const ProbeRun second, run(kSecondRows, {length}));
    result.why_not_batched = rows_mix(graph_, first.shapes, second.shapes);
    result.signature.batched = result.why_not_batched.empty();
    for (std::size_t o = 0; o < first.outputs.size(); ++o)
        for (std::size_t i = 0; i < first.outputs[o].shape.rank(); ++i)
            if (first.outputs[o].shape[i] != second.outputs[o].shape[i])
                result.signature.outputs[o].shape.set(i, kAnyExtent);
    return result;
}

}  // namespace

Result<ModelProbe> probe_model(const OperatorGraph& graph, const InterpreterOptions& options) {
    // Every value is to be seen.
    InterpreterOptions alone = options;
    alone.fused = false;
    return Prober(graph, alone).probe();
}

}  // namespace bunch::cpu
