/// A network prepared for one number of rows: primitives in order, and where each of their
/// arguments lies. Shared by all lanes and never changed after planner.h made it.
///
/// Not for: memory. execution.h binds a plan to the buffers of one lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <variant>
#include <vector>

#include "backends/cpu/mlp.h"
#include "backends/cpu/quantise.h"
#include "backends/cpu/streamed_dense.h"
#include "backends/cpu/winograd_kernel.h"

namespace bunch::cpu {

/// Where an argument lies while a plan runs.
struct Place {
    enum class Kind : std::uint8_t { input, output, arena, scratch, weights };
    Kind kind = Kind::arena;
    std::size_t index = 0;    ///< which input or output
    std::size_t offset = 0;   ///< bytes into the arena
    void* address = nullptr;  ///< of weights, which the plan keeps alive
};

struct Argument {
    int number = 0;  ///< DNNL_ARG_...
    dnnl::memory::desc desc;
    Place place;
};

/// One oneDNN primitive with what it reads and writes.
struct PrimitiveStep {
    dnnl::primitive primitive;
    std::vector<Argument> arguments;
    std::string description;  ///< node and implementation, for people
};

/// A chain of small dense layers in one loop of our own.
struct MlpStep {
    std::shared_ptr<const Mlp> mlp;
    bool carries_rows;  ///< runs for those of the batch; else always for `rows`
    std::int64_t rows;
    Place source, destination;
};

/// A convolution in loops of our own.
struct WinogradStep {
    winograd_kernel::Function run;
    winograd_kernel::Layer layer;  ///< its weights and bias are among what the plan keeps
    std::vector<winograd_kernel::Part> parts;  ///< one for each thread, with scratch of its own
    std::size_t scratch_floats;                ///< of a part
    Place source, destination;
    std::string description;
};

/// A dense layer with many weights for few rows.
struct StreamedStep {
    mlp_kernel::Streamed run;
    mlp_kernel::Layer layer;  ///< its weights and bias are among what the plan keeps
    std::int64_t rows;
    Place source, destination;
    std::string description;
};

/// Tensors one after the other: `count` times a piece of each source.
struct ConcatStep {
    struct Source {
        Place place;
        std::size_t bytes;  ///< of a piece
    };
    std::vector<Source> sources;
    Place destination;
    std::size_t count;
    std::string description;
};

/// Floats to 8-bit integers.
struct QuantiseStep {
    quantise_kernel::Function run;
    quantise_kernel::Layer layer;
    Place source, destination;
    std::string description;
};

using Step =
    std::variant<PrimitiveStep, MlpStep, WinogradStep, StreamedStep, ConcatStep, QuantiseStep>;

/// Node and implementation, for people.
std::string description_of(const Step& step);

struct Plan {
    dnnl::engine engine;  ///< primitives run only with memory of the very same engine
    std::int64_t rows = 1;
    unsigned threads = 1;   ///< that each layer is spread over
    bool any_rows = false;  ///< runs for every number of rows: MlpStep only, nothing in the arena
    std::vector<Step> steps;
    std::size_t arena_bytes = 0;
    std::size_t scratch_bytes = 0;
    std::vector<std::shared_ptr<const void>> kept;  ///< weights that the steps point to
    /// Layers in floats that could be in integers if oneDNN had a fast way: a sentence for each.
    std::vector<std::string> in_floats;
};

}  // namespace bunch::cpu
