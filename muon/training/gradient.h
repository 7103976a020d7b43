/// The gradient of a loss over one batch: forward and backward through the network, with rounding
/// if there is a plan. A batch is cut into shards that are summed in a fixed order, so that the
/// result does not depend on the number of threads.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "muon/training/dataset.h"
#include "muon/training/network.h"
#include "muon/training/quantisation.h"

namespace bunch::muon {

class GradientRun {
  public:
    /// For batches of up to `batch` rows of `dataset`. Keeps references to both.
    GradientRun(const Network& network, const Dataset& dataset, std::size_t batch,
                float distillation, unsigned threads);

    /// Mean over the rows with these numbers, for the network as it is now.
    const Network& of(std::span<const std::uint32_t> rows, const QuantisationPlan* plan);

  private:
    struct Shard {
        std::vector<std::vector<float>> activations;  ///< [0] is the input
        std::vector<float> targets, weights, soft, delta, next_delta;
        Network gradient;
    };
    void run(Shard& shard, std::span<const std::uint32_t> rows, const QuantisationPlan* plan,
             float scale);
    void gather(Shard& shard, std::span<const std::uint32_t> rows) const;
    void forward(Shard& shard, std::size_t rows, const QuantisationPlan* plan) const;
    void backward(Shard& shard, std::size_t rows, const QuantisationPlan* plan) const;

    const Network& network_;
    const Dataset& dataset_;
    float distillation_;
    unsigned threads_;
    std::vector<std::vector<float>> effective_;  ///< weights, rounded if there is a plan
    std::vector<Shard> shards_;
};

}  // namespace bunch::muon
