/// Products with constants as shifts and additions: the sums of a layer, written with as few adders
/// as a greedy search finds. Arithmetic only; pipeline.h makes hardware of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bunch::muon {

/// sign * (variable << shift).
struct Digit {
    std::size_t variable = 0;
    int shift = 0;
    int sign = 1;

    friend bool operator==(const Digit&, const Digit&) = default;
    friend auto operator<=>(const Digit&, const Digit&) = default;
};

/// Several sums over common variables. The first `inputs` variables are given; each further one is
/// the sum of the two digits in `shared`.
struct AdderGraph {
    std::size_t inputs = 0;
    std::vector<std::pair<Digit, Digit>> shared;
    std::vector<std::vector<Digit>> sums;

    /// Two-operand additions, without those of biases.
    std::size_t adders() const;
};

/// Canonical signed digits of `weight`: no two neighbours, so as few as possible.
std::vector<Digit> signed_digits(std::size_t variable, std::int32_t weight, int shift = 0);

/// Replaces pairs of digits that occur more than once, the most frequent ones first.
void share(AdderGraph& graph);

}  // namespace bunch::muon
