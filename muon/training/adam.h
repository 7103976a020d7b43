/// Adam (Kingma and Ba, 2015) for the numbers of one network, and the rate's schedule.
#pragma once

#include <cstddef>
#include <vector>

#include "muon/training/network.h"

namespace bunch::muon {

class Adam {
  public:
    explicit Adam(const Network& network);

    /// One step against `gradient`, a network of the same shape. Weights, not biases, also lose
    /// `rate` * `decay` of themselves (decoupled weight decay, Loshchilov and Hutter, 2019).
    void step(const Network& gradient, float rate, float decay, Network& network);

  private:
    struct Moments {
        std::vector<float> first, second;
    };
    void update(const std::vector<float>& gradient, Moments& moments, float rate,
                std::vector<float>& numbers) const;

    std::vector<Moments> weights_, biases_;
    std::size_t steps_ = 0;
};

/// Rises linearly over the first 2 % to `peak`, then falls as a cosine to a hundredth of it.
float scheduled_rate(double peak, double progress);

}  // namespace bunch::muon
