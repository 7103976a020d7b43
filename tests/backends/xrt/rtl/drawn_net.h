/// The random networks of the RTL tests. Their RTL is built from what draw_rtl_net wrote; a test
/// draws them again from the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "backends/xrt/fixed_point/dense_stack.h"

namespace bunch::test {

/// "random1" to "random5": the least there is, two small ones, one with more outputs than fit a
/// beat of the bus, one with as many inputs. Sizes, formats, activations and weights from the seed.
fixed_point::DenseStack drawn_net(std::uint64_t seed, const std::string& name);

/// Other weights in the same layers.
fixed_point::DenseStack with_random_weights(const fixed_point::DenseStack& stack,
                                            std::mt19937_64& random);

}  // namespace bunch::test
