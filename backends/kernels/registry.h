/// All operators that have a kernel, by name.
#pragma once

#include <span>
#include <string_view>

#include "backends/kernels/kernel.h"

namespace bunch::kernels {

/// How an operator meets f16 and bf16.
enum class Halves : std::uint8_t {
    widen,   ///< its inputs are widened to f32 before and its f32 outputs rounded after
    native,  ///< it moves elements, or converts by itself
};

struct Entry {
    std::string_view type;
    Result<Kernel> (*make)(Node& node);
    Halves halves = Halves::widen;
};

/// The kernel of a node. `unimplemented` names an operator, form or attribute that we lack,
/// `invalid_argument` what is wrong; both name the node.
Result<Kernel> make_kernel(const NodeSpec& spec);

/// Whether make_kernel() knows operators of that name in that domain.
bool has_kernel(std::string_view domain, std::string_view type);

/// `kernel` for f32, on inputs that may be f16 or bf16: outputs get the type of the first of these.
Kernel widened(Kernel kernel);

// One list per file of operators.
std::span<const Entry> arithmetic_entries();
std::span<const Entry> cast_entries();
std::span<const Entry> comparison_entries();
std::span<const Entry> convolution_entries();
std::span<const Entry> geometry_entries();
std::span<const Entry> einsum_entries();
std::span<const Entry> function_entries();
std::span<const Entry> gather_entries();
std::span<const Entry> generator_entries();
std::span<const Entry> layout_entries();
std::span<const Entry> matrix_entries();
std::span<const Entry> normalisation_entries();
std::span<const Entry> pad_entries();
std::span<const Entry> pool_entries();
std::span<const Entry> quantisation_entries();
std::span<const Entry> recurrent_entries();
std::span<const Entry> reduction_entries();
std::span<const Entry> resize_entries();
std::span<const Entry> scatter_entries();
std::span<const Entry> selection_entries();
std::span<const Entry> shape_entries();
std::span<const Entry> softmax_entries();
std::span<const Entry> sorting_entries();
std::span<const Entry> split_entries();
std::span<const Entry> tree_entries();

}  // namespace bunch::kernels
