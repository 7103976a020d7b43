/// Conversion of whole tensors between what clients send and the words of a device, vectorised and
/// bit for bit what arithmetic.h says. Not for tensors that go to the device as they are.
#pragma once

#include <cstddef>
#include <span>

#include "backends/xrt/fixed_point/format.h"
#include "core/data_type.h"
#include "core/result.h"

namespace bunch::fixed_point {

/// How rows lie on the device: `elements` words of stored_bytes() each, then zeros up to `stride`
/// bytes. Client rows are dense.
struct RowLayout {
    std::size_t rows = 0;
    std::size_t elements = 0;
    std::size_t stride = 0;
};

namespace convert_kernel {
struct Job;
using Function = void (*)(const Job& job, const void* from, void* to, unsigned long count);
}  // namespace convert_kernel

/// One implementation of the conversions. Any of them gives the same bits.
struct ConvertVariant {
    const char* name;  ///< "avx512", "avx2", "portable"
    convert_kernel::Function run;
    bool supported;  ///< by this processor
};

/// Fastest first.
std::span<const ConvertVariant> convert_variants();

/// Converts between one client type and one format. A value; any thread.
///
/// To the device: floats as arithmetic.h says, NaN as 0; integers by value, so 3 is 3.0, and by the
/// format's overflow rule. To a client: the nearest float; integers towards zero, limited to their
/// range. Integers pass unchanged through a format without fraction bits that is wide enough.
class Converter {
  public:
    /// For f32, i8 to i64 and u8 to u64, with the fastest variant that this processor has.
    /// `unimplemented` for other types, `invalid_argument` for a format that cannot be.
    static Result<Converter> make(DataType client, const FixedFormat& format);

    /// The same with one variant, for tests and measurements; it must be supported.
    static Result<Converter> make(DataType client, const FixedFormat& format,
                                  const ConvertVariant& variant);

    /// `count` elements to as many words, dense. No alignment is needed; the two do not overlap.
    void to_device(const std::byte* elements, std::byte* words, std::size_t count) const;
    void to_client(const std::byte* words, std::byte* elements, std::size_t count) const;

    /// Whole rows, with the zeros after each. layout.stride >= layout.elements * stored_bytes().
    void to_device(const std::byte* elements, std::byte* words, const RowLayout& layout) const;
    void to_client(const std::byte* words, std::byte* elements, const RowLayout& layout) const;

  private:
    Converter(DataType client, const FixedFormat& format, const ConvertVariant& variant)
        : client_(client), format_(format), run_(variant.run) {}

    DataType client_;
    FixedFormat format_;
    convert_kernel::Function run_;
};

}  // namespace bunch::fixed_point
