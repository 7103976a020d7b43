/// How convolutions that can be computed in several ways are computed: chosen by timing when a
/// model is loaded for the first time, and kept, so that the same file gives the same bits from
/// then on.
///
/// Not for: the timing itself, see conv_timing.h; what is kept on disk, see plan_cache.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "backends/graph/graph.h"

namespace bunch::cpu {

enum class ConvAlgorithm : std::uint8_t {
    direct,           ///< oneDNN's
    onednn_winograd,  ///< oneDNN's, blocked tensors
    own_winograd,     ///< winograd.h
};
std::string_view name_of(ConvAlgorithm algorithm);  ///< "direct", "onednn-winograd", "own-winograd"
std::optional<ConvAlgorithm> conv_algorithm_named(std::string_view name);

/// All that the speed of convolution `node` depends on, for `rows` rows, as text without spaces.
std::string conv_key(const Graph& graph, const Node& node, std::int64_t rows);

/// By conv_key().
using ConvChoices = std::map<std::string, ConvAlgorithm, std::less<>>;

}  // namespace bunch::cpu
