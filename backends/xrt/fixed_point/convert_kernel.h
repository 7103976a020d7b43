/// What the variants of the conversions share with convert.h. The .cpp files that include this are
/// compiled for different processors, so nothing here may pull in inline code of libraries: a
/// linker could pick the copy that this processor cannot run.
#pragma once

namespace bunch::fixed_point::convert_kernel {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long;
using i8 = signed char;
using i16 = short;
using i32 = int;
using i64 = long;

enum class Client : u8 { float32, int8, int16, int32, int64, uint8, uint16, uint32, uint64 };

/// One tensor's conversion, in numbers that need no branch per element.
struct Job {
    bool to_device;
    Client client;
    u8 word_bytes;  ///< 1, 2 or 4
    i32 fraction_bits;

    // Words: the bits of the format, and its sign bit or 0.
    u32 mask;
    u32 sign;

    // Rounding: away from zero where the rest is above the threshold, or equal to it and `tie` is
    // set for that sign, or for an odd number. The threshold is half a unit, or as given.
    bool to_nearest;
    bool ties_to_even;
    u64 threshold[2];  ///< [negative], unless to_nearest
    bool tie[2];

    // Overflow: above limit[negative] becomes limited[negative], unless the format wraps.
    bool wraps;
    u64 limit[2];
    u32 limited[2];

    // Of an integer client type: magnitudes of its largest and least number.
    u64 client_limit[2];
    float unit;  ///< value of the last bit
};

using Function = void (*)(const Job& job, const void* from, void* to, u64 count);

void run_avx512(const Job& job, const void* from, void* to, u64 count);
void run_avx2(const Job& job, const void* from, void* to, u64 count);
void run_portable(const Job& job, const void* from, void* to, u64 count);

}  // namespace bunch::fixed_point::convert_kernel
