// Weight files of dense stacks. What is accepted runs, and writes back to the same bytes.
#include <cstdlib>
#include <vector>

#include "backends/xrt/fixed_point/dense_file.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    const auto stack = bunch::fixed_point::read_dense_stack(bytes);
    if (!stack.ok()) return 0;
    const std::vector<std::byte> again = bunch::fixed_point::write_dense_stack(*stack);
    require(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
    const std::vector<std::byte> input(stack->input_stride(8), std::byte{0x7f});
    std::vector<std::byte> output(stack->output_stride(8));
    stack->run_stored(input, output, 1, 8);
    return 0;
}
