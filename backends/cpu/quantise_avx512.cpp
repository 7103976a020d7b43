// QuantizeLinear, 16 numbers at a time.
#include "backends/cpu/quantise.h"

namespace bunch::cpu::quantise_kernel {
namespace {

constexpr long kLanes = 16;
constexpr long kBlock = 512;  // pixels of a channel that are rounded together
constexpr long kColours = 3;  // channels that are joined by a loop of their own

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));
typedef int Integers __attribute__((vector_size(kLanes * sizeof(int))));
typedef unsigned char Bytes __attribute__((vector_size(kLanes), aligned(1)));

inline Bytes quantise(const Layer& layer, Vector x) {
    const Vector least = Vector{} + static_cast<float>(layer.least - layer.zero);
    const Vector most = Vector{} + static_cast<float>(layer.most - layer.zero);
    const Integers number = x == x;  // all bits set, or none for NaN
    x = x / layer.scale;
    x = x < least ? least : x;
    x = x > most ? most : x;
    // Adding 1.5 * 2^23 rounds to an integer, half to even.
    const Vector magic = Vector{} + 12582912.0F;
    const Vector rounded = (x + magic) - magic;
    const Integers q = (number & __builtin_convertvector(rounded, Integers)) + layer.zero;
    return __builtin_convertvector(number & q, Bytes);
}

void quantise_line(const Layer& layer, const float* from, unsigned char* to, long count) {
    long i = 0;
    for (; i + kLanes <= count; i += kLanes)
        *reinterpret_cast<Bytes*>(to + i) =
            quantise(layer, *reinterpret_cast<const Vector*>(from + i));
    if (i == count) return;
    Vector rest = {};
    for (long k = 0; i + k < count; ++k) rest[k] = from[i + k];
    const Bytes bytes = quantise(layer, rest);
    for (long k = 0; i + k < count; ++k) to[i + k] = bytes[k];
}

typedef unsigned char Pixels __attribute__((vector_size(16), aligned(1)));  // four

inline Integers widened(const unsigned char* bytes) {
    return __builtin_convertvector(*reinterpret_cast<const Bytes*>(bytes), Integers);
}

// The colours of `count` pixels, each in its line, pixel by pixel, as far as that can be done 16 at
// a time without writing beyond `room` bytes; returns how many it did.
long join_colours(const unsigned char (*lines)[kBlock], unsigned char* to, long count, long room) {
    long i = 0;
    for (; i + kLanes <= count && (i + kLanes) * 3 + 4 <= room; i += kLanes) {
        const Integers joined =
            widened(lines[0] + i) | widened(lines[1] + i) << 8 | widened(lines[2] + i) << 16;
        for (long part = 0; part < 4; ++part) {
            Pixels pixels;
            __builtin_memcpy(&pixels, reinterpret_cast<const char*>(&joined) + 16 * part, 16);
            // The last four bytes are overwritten by the next pixels.
            *reinterpret_cast<Pixels*>(to + (i + 4 * part) * 3) = __builtin_shufflevector(
                pixels, pixels, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
        }
    }
    return i;
}

// `count` pixels from `first` on of one image, whose planes lie at `from`.
void quantise_pixels(const Layer& layer, const float* from, long first, long count,
                     unsigned char* to, long room) {
    unsigned char lines[kColours][kBlock];
    const bool colours = layer.channels == kColours;
    for (long c = 0; c < layer.channels; ++c) {
        unsigned char* line = lines[colours ? c : 0];
        quantise_line(layer, from + c * layer.pixels + first, line, count);
        for (long i = 0; !colours && i < count; ++i) to[i * layer.channels + c] = line[i];
    }
    if (!colours) return;
    for (long i = join_colours(lines, to, count, room); i < count; ++i)
        for (long c = 0; c < kColours; ++c) to[i * kColours + c] = lines[c][i];
}

}  // namespace

void run_avx512(const Layer& layer, const float* from, unsigned char* to) {
    const long image = layer.channels * layer.pixels;
    if (layer.channels == 1 || layer.pixels == 1) {
        quantise_line(layer, from, to, layer.rows * image);
        return;
    }
    for (long row = 0; row < layer.rows; ++row)
        for (long first = 0; first < layer.pixels; first += kBlock) {
            const long count = layer.pixels - first < kBlock ? layer.pixels - first : kBlock;
            const long place = row * image + first * layer.channels;
            quantise_pixels(layer, from + row * image, first, count, to + place,
                            layer.rows * image - place);
        }
}

}  // namespace bunch::cpu::quantise_kernel
