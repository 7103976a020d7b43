/// The loops of the conversions, without branches: floats in vectors of kLanes, integers such that
/// the compiler makes vectors of them. Included by one .cpp file per kind of processor, which
/// defines BUNCH_CONVERT_LANES (4, 8 or 16) before. Everything is in an unnamed namespace, see
/// convert_kernel.h. The arithmetic is that of integers, so no mode of the floating-point unit
/// (denormals, rounding) changes what goes to a device.
#pragma once

#include "backends/xrt/fixed_point/convert_kernel.h"

namespace bunch::fixed_point::convert_kernel {
namespace {

constexpr u64 kLanes = BUNCH_CONVERT_LANES;

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

// kLanes floats at a time. Conditions are masks: all ones or 0 in each lane.
typedef u32 Vector __attribute__((vector_size(kLanes * sizeof(u32))));
typedef i32 SignedVector __attribute__((vector_size(kLanes * sizeof(i32))));

inline Vector splat(u32 number) {
    return Vector{} + number;
}

inline Vector splat(bool condition) {
    return Vector{} - static_cast<u32>(condition);
}

inline Vector choose(Vector condition, Vector yes, Vector no) {
    return (yes & condition) | (no & ~condition);
}

struct FloatRules {
    explicit FloatRules(const Job& job)
        : to_nearest(splat(job.to_nearest)),
          ties_to_even(splat(job.ties_to_even)),
          wraps(splat(job.wraps)),
          threshold{splat(static_cast<u32>(job.threshold[0])),
                    splat(static_cast<u32>(job.threshold[1]))},
          tie{splat(job.tie[0]), splat(job.tie[1])},
          limit{splat(static_cast<u32>(job.limit[0])), splat(static_cast<u32>(job.limit[1]))},
          limited{splat(job.limited[0]), splat(job.limited[1])},
          mask(splat(job.mask)),
          sign(splat(job.sign)),
          fraction_bits(job.fraction_bits) {}

    Vector to_nearest, ties_to_even, wraps;
    Vector threshold[2], tie[2], limit[2], limited[2];
    Vector mask, sign;
    i32 fraction_bits;
};

// 1 where `rest`, of which `half` is half a unit, rounds away from zero.
inline Vector rounds_away(const FloatRules& rules, Vector negative, Vector whole, Vector rest,
                          Vector half) {
    const Vector given = choose(negative, rules.threshold[1], rules.threshold[0]);
    const Vector above = choose(rules.to_nearest, half, given);
    const Vector odd = Vector{} - (whole & 1);
    const Vector tie = choose(negative, rules.tie[1], rules.tie[0]) | (rules.ties_to_even & odd);
    return ((Vector)(rest > above) | ((Vector)(rest == above) & tie)) & 1;
}

inline Vector words_of_floats(const FloatRules& rules, Vector bits) {
    const Vector negative = Vector{} - (bits >> 31);
    const Vector exponent = bits >> 23 & 0xff;
    const Vector fraction = bits & 0x7fffff;
    const Vector is_denormal = (Vector)(exponent == 0);
    const Vector is_nan = (Vector)(exponent == 0xff) & (Vector)(fraction != 0);
    const Vector mantissa = (fraction | (~is_denormal & 0x800000)) & ~is_nan;
    const SignedVector shift = (SignedVector)(exponent - is_denormal) + (rules.fraction_bits - 150);

    // To the left: from 2^9 on, a mantissa (never a denormal one here) is beyond every format.
    const Vector larger = (mantissa << ((Vector)shift & 31)) & (Vector)(shift < 32);
    const Vector beyond = (Vector)(shift > 8) & (Vector)(mantissa != 0);

    // To the right: 31 places leave as little of 24 bits as any more do.
    const Vector is_right = (Vector)(shift < 0);
    const Vector places = choose((Vector)(shift < -31), splat(31U), (Vector)-shift) & 31;
    const Vector whole = mantissa >> places;
    const Vector rest = mantissa - (whole << places);
    const Vector half = splat(1U) << ((places - 1) & 31);
    const Vector smaller = whole + rounds_away(rules, negative, whole, rest, half);

    const Vector magnitude = choose(is_right, smaller, larger);
    const Vector limit = choose(negative, rules.limit[1], rules.limit[0]);
    const Vector too_large = beyond | (Vector)(magnitude > limit);
    const Vector number = choose(negative, -magnitude, magnitude);
    const Vector limited = choose(negative, rules.limited[1], rules.limited[0]);
    const Vector word = choose(too_large & ~rules.wraps, limited, number);
    return ((word & rules.mask) ^ rules.sign) - rules.sign;
}

template <typename Word>
void floats_to_words(const Job& job, const void* from, void* to, u64 count) {
    typedef Word Words __attribute__((vector_size(kLanes * sizeof(Word))));
    const FloatRules rules(job);
    for (u64 i = 0; i < count; i += kLanes) {
        const u64 lanes = count - i < kLanes ? count - i : kLanes;
        Vector bits{};
        if (lanes == kLanes)
            bits = load<Vector>(static_cast<const char*>(from) + i * sizeof(u32), 0);
        else
            __builtin_memcpy(&bits, static_cast<const char*>(from) + i * sizeof(u32),
                             lanes * sizeof(u32));
        const Words words = __builtin_convertvector(words_of_floats(rules, bits), Words);
        if (lanes == kLanes)
            store(static_cast<char*>(to) + i * sizeof(Word), 0, words);
        else
            __builtin_memcpy(static_cast<char*>(to) + i * sizeof(Word), &words,
                             lanes * sizeof(Word));
    }
}

template <typename Word, bool kSigned>
void words_to_floats(const Job& shared, const void* from, void* to, u64 count) {
    const Job job = shared;  // a copy, so that no store can be thought to change it
    for (u64 i = 0; i < count; ++i) {
        const u32 number = signed_word(job, load<Word>(from, i));
        if constexpr (kSigned)
            store(to, i, static_cast<float>(static_cast<i32>(number)) * job.unit);
        else
            store(to, i, static_cast<float>(number) * job.unit);
    }
}

// 1 where `rest`, of which `half` is half a unit, rounds away from zero.
inline u64 rounds_away(const Job& job, bool negative, u64 whole, u64 rest, u64 half) {
    const u64 given = negative ? job.threshold[1] : job.threshold[0];
    const u64 above = job.to_nearest ? half : given;
    const bool tie = (negative ? job.tie[1] : job.tie[0]) | (job.ties_to_even & (whole & 1));
    return static_cast<u64>((rest > above) | ((rest == above) & tie));
}

// kFraction: whether the format has bits below one (or exactly none).
template <bool kFraction>
inline u32 word_of_integer(const Job& job, bool negative, u64 magnitude) {
    const u64 limit = negative ? job.limit[1] : job.limit[0];
    bool too_large = false;
    if constexpr (kFraction) {
        too_large = magnitude > limit >> job.fraction_bits;
        magnitude <<= job.fraction_bits;
    } else {
        const i32 places = -job.fraction_bits;
        const u64 whole = magnitude >> places;
        const u64 rest = magnitude - (whole << places);
        magnitude = whole + rounds_away(job, negative, whole, rest, 1UL << (places - 1));
        too_large = magnitude > limit;
    }
    const u32 number = static_cast<u32>(negative ? 0 - magnitude : magnitude);
    const u32 limited = negative ? job.limited[1] : job.limited[0];
    return signed_word(job, (too_large & !job.wraps) ? limited : number);
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
