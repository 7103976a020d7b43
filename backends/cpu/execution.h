/// A plan bound to the memory of one lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <vector>

#include "backends/cpu/plan.h"
#include "core/status.h"
#include "core/time.h"

namespace bunch::cpu {

/// Used by one thread at a time. Keeps nothing alive: plan, arena and scratch outlive it.
class Execution {
  public:
    /// `arena` and `scratch` are aligned to 64 bytes and have the sizes that `plan` names. Throws
    /// dnnl::error.
    Execution(const Plan& plan, std::byte* arena, std::byte* scratch);

    /// Computes `rows` rows (plan.rows of them unless plan.any_rows). Tensors lie in the order of
    /// the graph, row-major, and do not overlap. use_threads() of the plan's must have been called
    /// on this thread. `internal` if oneDNN fails.
    Status run(std::size_t rows, std::span<const std::byte* const> inputs,
               std::span<std::byte* const> outputs);

    /// Adds the time of each step to `times`, which has one entry per step of the plan; null: no
    /// more.
    void record(std::vector<Duration>* times) { times_ = times; }

  private:
    struct External {
        std::size_t memory;  ///< in memories_
        Place place;
    };
    /// The arguments of one primitive, as its C function wants them.
    struct Bound {
        dnnl_primitive_t primitive;
        std::size_t first, count;  ///< in arguments_
    };

    /// `next` is the place in bound_ of the next primitive.
    Status run_step(const Step& step, std::size_t& next, std::size_t rows,
                    std::span<const std::byte* const> inputs, std::span<std::byte* const> outputs);
    void run_winograd(const WinogradStep& step, std::span<const std::byte* const> inputs,
                      std::span<std::byte* const> outputs) const;
    void run_concat(const ConcatStep& step, std::span<const std::byte* const> inputs,
                    std::span<std::byte* const> outputs) const;
    void bind(const PrimitiveStep& step, std::byte* arena, std::byte* scratch);
    const std::byte* source(const Place& place, std::span<const std::byte* const> inputs,
                            std::span<std::byte* const> outputs) const;

    const Plan* plan_;
    std::byte *arena_, *scratch_;
    dnnl::stream stream_;
    std::vector<dnnl::memory> memories_;
    std::vector<dnnl_exec_arg_t> arguments_;
    std::vector<External> externals_;
    std::vector<Bound> bound_;
    std::vector<Duration>* times_ = nullptr;
};

}  // namespace bunch::cpu
