#include "muon/quantised/kernel_rows.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/check.h"

namespace bunch::muon {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are little-endian");

std::size_t aligned(std::size_t bytes) {
    return (bytes + kKernelRowAlign - 1) / kKernelRowAlign * kKernelRowAlign;
}

}  // namespace

std::size_t kernel_input_stride(Task task) {
    return aligned(sizeof(std::int16_t) * input_count(task, Encoding::raw));
}

std::size_t kernel_output_stride(Task task) {
    return aligned(sizeof(std::int16_t) * output_count(task));
}

void run_rows(const IntegerNetwork& network, std::span<const std::byte> in,
              std::span<std::byte> out) {
    const std::size_t columns = input_count(network.task, Encoding::raw);
    const std::size_t width = output_count(network.task);
    const std::size_t from = kernel_input_stride(network.task);
    const std::size_t to = kernel_output_stride(network.task);
    const std::size_t rows = in.size() / from;
    BUNCH_CHECK(in.size() == rows * from && out.size() == rows * to);
    std::vector<std::int32_t> fields;
    fields.reserve(rows * columns);
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t i = 0; i < columns; ++i) {
            std::int16_t field = 0;
            std::memcpy(&field, in.data() + row * from + i * sizeof(field), sizeof(field));
            fields.push_back(field);
        }
    const std::vector<std::int32_t> results = run_fields(network, fields);
    std::fill(out.begin(), out.end(), std::byte{0});
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto result = static_cast<std::int16_t>(results[i]);
        std::memcpy(out.data() + i / width * to + i % width * sizeof(result), &result,
                    sizeof(result));
    }
}

}  // namespace bunch::muon
