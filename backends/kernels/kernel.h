/// The code of one operator, made from its node once and run on tensors of any shape.
///
/// Shapes are found by running: a kernel checks what it is given and says what it makes. Nothing
/// here knows of graphs, rows or devices; see docs/decisions for how this and oneDNN share work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/kernels/memory.h"
#include "backends/kernels/node_spec.h"
#include "core/result.h"
#include "core/tensor.h"

namespace bunch::kernels {

/// Elements that several may hold: an operator that only renames extents passes its input on.
struct Held {
    ConstTensorView view;
    std::shared_ptr<const void> keeper;  ///< null: somebody else keeps the elements alive
};

/// One run of a kernel: what it reads, and where it leaves its results. One thread.
class Run {
  public:
    /// `inputs` are null where left out; everything outlives this.
    Run(const NodeSpec& spec, std::span<const Held* const> inputs, Memory& memory)
        : spec_(spec), inputs_(inputs), memory_(memory), outputs_(spec.outputs.size()) {}

    std::int64_t inputs() const { return static_cast<std::int64_t>(inputs_.size()); }
    bool has(std::int64_t i) const {
        return i < inputs() && inputs_[static_cast<std::size_t>(i)] != nullptr;
    }
    const ConstTensorView& input(std::int64_t i) const {
        return inputs_[static_cast<std::size_t>(i)]->view;
    }
    const Held* held(std::int64_t i) const {
        return has(i) ? inputs_[static_cast<std::size_t>(i)] : nullptr;
    }
    std::int64_t outputs() const { return static_cast<std::int64_t>(outputs_.size()); }
    bool wants(std::int64_t i) const {
        return i < outputs() && spec_.outputs[static_cast<std::size_t>(i)];
    }

    /// Memory for output `i`, not initialised. Fails if it is too large. Outputs that nobody wants
    /// get memory too.
    Result<TensorView> output(std::int64_t i, DataType type, const Shape& shape);
    /// Output `i` is input `from` under another shape of as many elements.
    void forward(std::int64_t i, std::int64_t from, const Shape& shape);
    /// Output `i` is `held`.
    void set(std::int64_t i, Held held) {
        if (i < outputs()) outputs_[static_cast<std::size_t>(i)] = std::move(held);
    }
    /// `bytes` of memory until the run is over.
    Result<std::byte*> scratch(std::uint64_t bytes);

    /// Says whose code did the work, for people: "jit:avx512_core". Without, it was a plain loop.
    void used(std::string_view implementation) { implementation_ = implementation; }
    const std::string& implementation() const { return implementation_; }

    /// After the run. Each output that is wanted has been set.
    std::vector<Held>& results() { return outputs_; }

    const NodeSpec& spec() const { return spec_; }
    Memory& memory() { return memory_; }
    Status wrong(std::string_view what) const {
        return invalid_argument(spec_.label + " " + std::string(what));
    }
    Status unsupported(std::string_view what) const {
        return unimplemented(spec_.label + " " + std::string(what) + " is not supported");
    }
    /// "... has inputs FP32[2,3] and INT64[4]": for shapes or types that do not fit.
    Status misfit(std::string_view why = "which do not fit") const;

  private:
    const NodeSpec& spec_;
    std::span<const Held* const> inputs_;
    Memory& memory_;
    std::vector<Held> outputs_;
    std::vector<std::shared_ptr<std::byte>> scratch_;
    std::string implementation_ = "loop";
};

/// Runs one operator. Holds its attributes by value; may hold caches, so one thread at a time.
using Kernel = std::function<Status(Run& run)>;

}  // namespace bunch::kernels
