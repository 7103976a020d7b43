/// The loops of the conversions: plain arithmetic on integers without branches, which the compiler
/// makes vectors of. Included by one .cpp file per kind of processor. Everything is in an unnamed
/// namespace, see convert_kernel.h. Integers throughout, so no mode of the floating-point unit
/// (denormals, rounding) can change a result.
#pragma once

#include "backends/xrt/fixed_point/convert_kernel.h"

namespace bunch::fixed_point::convert_kernel {
namespace {

template <typename T>
inline T load(const void* from, u64 index) {
    T element;
    __builtin_memcpy(&element, static_cast<const char*>(from) + index * sizeof(T), sizeof(T));
    return element;
}

template <typename T>
inline void store(void* to, u64 index, T element) {
    __builtin_memcpy(static_cast<char*>(to) + index * sizeof(T), &element, sizeof(T));
}

// The bits of a word as a number with the format's sign.
inline u32 signed_word(const Job& job, u32 bits) {
    return ((bits & job.mask) ^ job.sign) - job.sign;
}

// 1 where `rest` of `places` bits below the last one rounds away from zero. Unsigned is u32 or u64.
template <typename Unsigned>
inline Unsigned rounds_away(const Job& job, bool negative, Unsigned whole, Unsigned rest,
                            Unsigned half) {
    const auto given = static_cast<Unsigned>(negative ? job.threshold[1] : job.threshold[0]);
    const Unsigned threshold = job.to_nearest ? half : given;
    const bool tie = (negative ? job.tie[1] : job.tie[0]) | (job.ties_to_even & (whole & 1));
    return static_cast<Unsigned>(rest > threshold) |
           static_cast<Unsigned>((rest == threshold) & tie);
}

inline u32 finished(const Job& job, bool negative, bool too_large, u32 magnitude) {
    const u32 number = negative ? 0 - magnitude : magnitude;
    const u32 limited = negative ? job.limited[1] : job.limited[0];
    return signed_word(job, too_large & !job.wraps ? limited : number);
}

inline u32 word_of_float(const Job& job, u32 bits) {
    const bool negative = bits >> 31 != 0;
    const auto exponent = static_cast<i32>(bits >> 23 & 0xff);
    const u32 fraction = bits & 0x7fffff;
    const bool is_nan = (exponent == 0xff) & (fraction != 0);
    u32 mantissa = exponent != 0 ? fraction | 0x800000 : fraction;
    mantissa = is_nan ? 0 : mantissa;
    const i32 shift = (exponent != 0 ? exponent : 1) - 150 + job.fraction_bits;

    // To the left: from 2^9 on, a mantissa (never a denormal one here) is beyond every format.
    const u32 left = static_cast<u32>(shift < 0 ? 0 : shift);
    const u32 larger = left < 32 ? mantissa << (left & 31) : 0;
    const bool beyond = (shift > 8) & (mantissa != 0);

    // To the right: 31 places leave as little of 24 bits as any more do.
    const u32 places = static_cast<u32>(shift > 0 ? 0 : shift < -31 ? 31 : -shift);
    const u32 whole = mantissa >> places;
    const u32 rest = mantissa - (whole << places);
    const u32 half = places == 0 ? 1 : (1U << places) >> 1;
    const u32 smaller = whole + rounds_away<u32>(job, negative, whole, rest, half);

    const u32 magnitude = shift < 0 ? smaller : larger;
    const auto limit = static_cast<u32>(negative ? job.limit[1] : job.limit[0]);
    return finished(job, negative, beyond | (magnitude > limit), magnitude);
}

// kFraction: whether the format has bits below one (or exactly none).
template <bool kFraction>
inline u32 word_of_integer(const Job& job, bool negative, u64 magnitude) {
    const u64 limit = negative ? job.limit[1] : job.limit[0];
    if constexpr (kFraction) {
        const int places = job.fraction_bits;
        return finished(job, negative, magnitude > limit >> places,
                        static_cast<u32>(magnitude << places));
    } else {
        const int places = -job.fraction_bits;
        u64 whole = magnitude >> places;
        const u64 rest = magnitude - (whole << places);
        whole += rounds_away<u64>(job, negative, whole, rest, 1UL << (places - 1));
        return finished(job, negative, whole > limit, static_cast<u32>(whole));
    }
}

template <bool kFraction>
inline u64 integer_of_word(const Job& job, u32 number) {
    const bool negative = (job.sign != 0) & (number >> 31 != 0);
    const u64 magnitude = negative ? 0 - number : number;
    const u64 limit = negative ? job.client_limit[1] : job.client_limit[0];
    u64 whole = 0;
    bool too_large = false;
    if constexpr (kFraction) {
        whole = magnitude >> job.fraction_bits;
        too_large = whole > limit;
    } else {
        whole = magnitude << -job.fraction_bits;
        too_large = magnitude > limit >> -job.fraction_bits;
    }
    whole = too_large ? limit : whole;
    return negative ? 0 - whole : whole;
}

template <typename Word>
void floats_to_words(const Job& shared, const void* from, void* to, u64 count) {
    const Job job = shared;  // a copy, so that no store can be thought to change it
    for (u64 i = 0; i < count; ++i)
        store(to, i, static_cast<Word>(word_of_float(job, load<u32>(from, i))));
}

template <typename Word, bool kSigned>
void words_to_floats(const Job& shared, const void* from, void* to, u64 count) {
    const Job job = shared;
    for (u64 i = 0; i < count; ++i) {
        const u32 number = signed_word(job, load<Word>(from, i));
        if constexpr (kSigned)
            store(to, i, static_cast<float>(static_cast<i32>(number)) * job.unit);
        else
            store(to, i, static_cast<float>(number) * job.unit);
    }
}

template <typename Integer, typename Word, bool kFraction>
void integers_to_words(const Job& shared, const void* from, void* to, u64 count) {
    const Job job = shared;
    for (u64 i = 0; i < count; ++i) {
        const Integer element = load<Integer>(from, i);
        const bool negative = element < Integer{};
        const u64 bits = static_cast<u64>(element);
        const u32 word = word_of_integer<kFraction>(job, negative, negative ? 0 - bits : bits);
        store(to, i, static_cast<Word>(word));
    }
}

template <typename Integer, typename Word, bool kFraction>
void words_to_integers(const Job& shared, const void* from, void* to, u64 count) {
    const Job job = shared;
    for (u64 i = 0; i < count; ++i) {
        const u32 number = signed_word(job, load<Word>(from, i));
        store(to, i, static_cast<Integer>(integer_of_word<kFraction>(job, number)));
    }
}

template <typename Word>
void convert_floats(const Job& job, const void* from, void* to, u64 count) {
    if (job.to_device) return floats_to_words<Word>(job, from, to, count);
    if (job.sign != 0) return words_to_floats<Word, true>(job, from, to, count);
    words_to_floats<Word, false>(job, from, to, count);
}

template <typename Integer, typename Word>
void convert_integers(const Job& job, const void* from, void* to, u64 count) {
    const bool fraction = job.fraction_bits >= 0;
    if (job.to_device && fraction)
        return integers_to_words<Integer, Word, true>(job, from, to, count);
    if (job.to_device) return integers_to_words<Integer, Word, false>(job, from, to, count);
    if (fraction) return words_to_integers<Integer, Word, true>(job, from, to, count);
    words_to_integers<Integer, Word, false>(job, from, to, count);
}

template <typename Word>
void convert(const Job& job, const void* from, void* to, u64 count) {
    switch (job.client) {
        case Client::float32:
            return convert_floats<Word>(job, from, to, count);
        case Client::int8:
            return convert_integers<i8, Word>(job, from, to, count);
        case Client::int16:
            return convert_integers<i16, Word>(job, from, to, count);
        case Client::int32:
            return convert_integers<i32, Word>(job, from, to, count);
        case Client::int64:
            return convert_integers<i64, Word>(job, from, to, count);
        case Client::uint8:
            return convert_integers<u8, Word>(job, from, to, count);
        case Client::uint16:
            return convert_integers<u16, Word>(job, from, to, count);
        case Client::uint32:
            return convert_integers<u32, Word>(job, from, to, count);
        case Client::uint64:
            return convert_integers<u64, Word>(job, from, to, count);
    }
}

void run(const Job& job, const void* from, void* to, u64 count) {
    if (job.word_bytes == 1) return convert<u8>(job, from, to, count);
    if (job.word_bytes == 2) return convert<u16>(job, from, to, count);
    convert<u32>(job, from, to, count);
}

}  // namespace
}  // namespace bunch::fixed_point::convert_kernel
