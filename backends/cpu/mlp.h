/// Small dense networks in one loop: a few rows go through all layers before the next rows, so that
/// activations stay in registers and first-level cache. Faster than one matrix product per layer
/// where layers have at most kMaxMlpWidth outputs. Chooses AVX-512, AVX2 or portable code at run
/// time; mlp_loop.h has the arithmetic.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "backends/cpu/mlp_kernel.h"
#include "backends/cpu/pointwise.h"
#include "backends/cpu/streamed_dense.h"
#include "backends/graph/graph.h"

namespace bunch::cpu {

inline constexpr std::int64_t kMaxMlpWidth = mlp_kernel::kMaxWidth;
/// Of one layer: more do not stay near the core from row to row.
inline constexpr std::int64_t kMaxMlpWeights = 1 << 16;

/// One way to compute, and whether this processor can.
struct MlpVariant {
    std::string_view name;  ///< "avx512", "avx2", "portable"
    mlp_kernel::Function function;
    mlp_kernel::Pointwise pointwise;
    bool usable;
};

/// All variants of this build, fastest first.
std::span<const MlpVariant> mlp_variants();

/// The weights of a chain of dense layers, padded for the kernels. Immutable, any thread.
class Mlp {
  public:
    /// `nodes` are Dense nodes of `graph`, each the only reader of the one before it.
    Mlp(const Graph& graph, std::span<const Node> nodes, const MlpVariant& variant);

    /// `input` holds rows x inputs() floats, `output` rows x outputs(); they do not overlap.
    void run(const float* input, float* output, std::size_t rows) const {
        function_(layers_.data(), layers_.size(), input, output, rows);
    }

    std::size_t memory_bytes() const { return packed_floats_ * sizeof(float); }

  private:
    struct Free {
        void operator()(float* floats) const;
    };

    mlp_kernel::Function function_;
    std::vector<mlp_kernel::Layer> layers_;
    std::unique_ptr<float[], Free> packed_;
    std::size_t packed_floats_ = 0;
};

/// How many of `nodes`, from the first on, one Mlp can compute; 0 if the first is none of its kind.
std::size_t mlp_chain_length(const Graph& graph, std::span<const Node> nodes);

/// What the kernels call `activation`.
mlp_kernel::Activation kernel_activation(const Activation& activation);

/// The loop for dense layers with many weights and few rows, if this processor has one and a layer
/// of [inputs, outputs] gains by it; else null.
mlp_kernel::Streamed streamed_function(std::int64_t rows, std::int64_t inputs,
                                       std::int64_t outputs);
/// `outputs` as the loop pads them.
std::size_t streamed_padded(std::size_t outputs);
/// Floats of bias and weights for that loop.
std::size_t streamed_floats(std::size_t inputs, std::size_t outputs);
/// Writes bias (zeros if it is empty) and then weights [inputs, outputs] as the loop reads them.
void pack_streamed(std::span<const float> weights, std::span<const float> bias, std::size_t inputs,
                   std::size_t outputs, float* to);

}  // namespace bunch::cpu
