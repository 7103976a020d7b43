#include "backends/xrt/fixed_point/convert.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "backends/xrt/fixed_point/convert_kernel.h"
#include "core/check.h"

namespace bunch::fixed_point {
namespace {

using convert_kernel::Client;
using convert_kernel::Job;

// Short rows with zeros between them go through the cache, so many words at a time.
constexpr std::size_t kPiece = 1024;

std::optional<Client> client_type(DataType type) {
    switch (type) {
        case DataType::f32:
            return Client::float32;
        case DataType::i8:
            return Client::int8;
        case DataType::i16:
            return Client::int16;
        case DataType::i32:
            return Client::int32;
        case DataType::i64:
            return Client::int64;
        case DataType::u8:
            return Client::uint8;
        case DataType::u16:
            return Client::uint16;
        case DataType::u32:
            return Client::uint32;
        case DataType::u64:
            return Client::uint64;
        default:
            return std::nullopt;
    }
}

void set_rounding(Job& job, Rounding rounding) {
    job.to_nearest = rounding != Rounding::truncate && rounding != Rounding::truncate_to_zero;
    job.ties_to_even = rounding == Rounding::nearest_even;
    job.threshold[0] = std::numeric_limits<std::uint64_t>::max();
    job.threshold[1] =
        rounding == Rounding::truncate ? 0 : std::numeric_limits<std::uint64_t>::max();
    const bool away = rounding == Rounding::nearest_away;
    job.tie[0] = away || rounding == Rounding::nearest_up;
    job.tie[1] = away || rounding == Rounding::nearest_down;
}

void set_overflow(Job& job, const FixedFormat& format) {
    job.wraps = format.overflow == Overflow::wrap;
    job.limit[0] = static_cast<std::uint64_t>(largest(format));
    job.limit[1] = static_cast<std::uint64_t>(-least(format));
    const bool to_zero = format.overflow == Overflow::saturate_to_zero;
    job.limited[0] = to_zero ? 0 : static_cast<std::uint32_t>(largest(format));
    job.limited[1] = to_zero ? 0 : static_cast<std::uint32_t>(least(format));
}

Job make_job(bool to_device, DataType client, const FixedFormat& format) {
    Job job{};
    job.to_device = to_device;
    job.client = *client_type(client);
    job.word_bytes = static_cast<std::uint8_t>(format.stored_bytes());
    job.fraction_bits = format.fraction_bits();
    job.mask = std::numeric_limits<std::uint32_t>::max() >> (32 - format.total_bits);
    job.sign = format.is_signed ? 1U << (format.total_bits - 1) : 0;
    set_rounding(job, format.rounding);
    set_overflow(job, format);
    const bool client_signed = client == DataType::i8 || client == DataType::i16 ||
                               client == DataType::i32 || client == DataType::i64;
    const std::size_t bits = 8 * size_of(client) - (client_signed ? 1 : 0);
    job.client_limit[0] = std::numeric_limits<std::uint64_t>::max() >> (64 - bits);
    job.client_limit[1] = client_signed ? job.client_limit[0] + 1 : 0;
    job.unit = std::ldexp(1.0F, -format.fraction_bits());
    return job;
}

// 1 for rows long enough to be converted where they lie.
std::size_t rows_of_piece(const RowLayout& layout) {
    return layout.elements == 0 ? 1 : std::max<std::size_t>(kPiece / layout.elements, 1);
}

}  // namespace

std::span<const ConvertVariant> convert_variants() {
#if defined(__x86_64__)
    static const std::array variants = {
        ConvertVariant{
            "avx512", convert_kernel::run_avx512,
            __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0},
        ConvertVariant{"avx2", convert_kernel::run_avx2, __builtin_cpu_supports("avx2") != 0},
        ConvertVariant{"portable", convert_kernel::run_portable, true}};
#else
    static const std::array variants = {
        ConvertVariant{"portable", convert_kernel::run_portable, true}};
#endif
    return variants;
}

Result<Converter> Converter::make(DataType client, const FixedFormat& format) {
    const auto variants = convert_variants();
    return make(client, format,
                *std::find_if(variants.begin(), variants.end(),
                              [](const ConvertVariant& variant) { return variant.supported; }));
}

Result<Converter> Converter::make(DataType client, const FixedFormat& format,
                                  const ConvertVariant& variant) {
    BUNCH_CHECK(variant.supported);
    BUNCH_RETURN_IF_ERROR(check(format));
    if (!client_type(client))
        return unimplemented("tensors of type " + std::string(name_of(client)) +
                             " cannot be converted to fixed point; FP32, INT8 to INT64 and UINT8 "
                             "to UINT64 can");
    return Converter(client, format, variant);
}

void Converter::to_device(const std::byte* elements, std::byte* words, std::size_t count) const {
    run_(make_job(true, client_, format_), elements, words, count);
}

void Converter::to_client(const std::byte* words, std::byte* elements, std::size_t count) const {
    run_(make_job(false, client_, format_), words, elements, count);
}

void Converter::to_device(const std::byte* elements, std::byte* words,
                          const RowLayout& layout) const {
    const std::size_t word_bytes = layout.elements * format_.stored_bytes();
    const std::size_t element_bytes = layout.elements * size_of(client_);
    BUNCH_CHECK(layout.stride >= word_bytes);
    if (layout.stride == word_bytes)
        return to_device(elements, words, layout.rows * layout.elements);
    std::array<std::byte, kPiece * sizeof(std::uint32_t)> piece;
    const std::size_t rows_at_once = rows_of_piece(layout);
    for (std::size_t done = 0; done < layout.rows;) {
        const std::size_t rows = std::min(rows_at_once, layout.rows - done);
        std::byte* const dense = rows_at_once == 1 ? words : piece.data();
        to_device(elements, dense, rows * layout.elements);
        for (std::size_t row = 0; row < rows; ++row, words += layout.stride) {
            if (dense != words) std::memcpy(words, dense + row * word_bytes, word_bytes);
            std::memset(words + word_bytes, 0, layout.stride - word_bytes);
        }
        elements += rows * element_bytes;
        done += rows;
    }
}

void Converter::to_client(const std::byte* words, std::byte* elements,
                          const RowLayout& layout) const {
    const std::size_t word_bytes = layout.elements * format_.stored_bytes();
    const std::size_t element_bytes = layout.elements * size_of(client_);
    BUNCH_CHECK(layout.stride >= word_bytes);
    if (layout.stride == word_bytes)
        return to_client(words, elements, layout.rows * layout.elements);
    std::array<std::byte, kPiece * sizeof(std::uint32_t)> piece;
    const std::size_t rows_at_once = rows_of_piece(layout);
    for (std::size_t done = 0; done < layout.rows;) {
        const std::size_t rows = std::min(rows_at_once, layout.rows - done);
        const std::byte* dense = words;
        if (rows_at_once > 1) {
            for (std::size_t row = 0; row < rows; ++row)
                std::memcpy(piece.data() + row * word_bytes, words + row * layout.stride,
                            word_bytes);
            dense = piece.data();
        }
        to_client(dense, elements, rows * layout.elements);
        words += rows * layout.stride;
        elements += rows * element_bytes;
        done += rows;
    }
}

}  // namespace bunch::fixed_point
