// The Winograd convolution for vectors of 16 floats.
#include "backends/cpu/winograd_kernel.h"

namespace bunch::cpu::winograd_kernel {
namespace {

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

constexpr int kInputs = kTile + 2;  // of a tile along each side
constexpr int kMostRows = 6;        // tiles per call of product(): 24 accumulators

inline Vector splat(float number) {
    return Vector{} + number;
}
// A batch's own tensors need not lie on multiples of 64 bytes; where memory does, this costs
// nothing.
typedef float Anywhere __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));

inline Vector load(const float* floats) {
    return *reinterpret_cast<const Anywhere*>(floats);
}
inline void store(float* floats, Vector vector) {
    *reinterpret_cast<Anywhere*>(floats) = vector;
}

/// Where a tile lies.
struct Place {
    long row;
    int y, x;  ///< of its first output
};

struct Tiling {
    int down, across;

    explicit Tiling(const Layer& layer)
        : down((layer.out_height + kTile - 1) / kTile),
          across((layer.out_width + kTile - 1) / kTile) {}
    long count() const { return static_cast<long>(down) * across; }
    Place place(long tile) const {
        const long inside = tile % count();
        return {tile / count(), static_cast<int>(inside / across) * kTile,
                static_cast<int>(inside % across) * kTile};
    }
};

// B^T d for one column d of a tile.
inline void transform_inputs(const Vector (&d)[kInputs], Vector (&to)[kInputs]) {
    const Vector a = d[4] - 4.0F * d[2], b = d[3] - 4.0F * d[1];
    const Vector c = d[4] - d[2], e = 2.0F * (d[3] - d[1]);
    to[0] = 4.0F * d[0] - 5.0F * d[2] + d[4];
    to[1] = a + b;
    to[2] = a - b;
    to[3] = c + e;
    to[4] = c - e;
    to[5] = 4.0F * d[1] - 5.0F * d[3] + d[5];
}

// A^T m for one column m of products.
inline void transform_products(const Vector (&m)[kInputs], Vector (&to)[kTile]) {
    const Vector a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    to[0] = m[0] + a + c;
    to[1] = b + 2.0F * d;
    to[2] = a + 4.0F * c;
    to[3] = b + 8.0F * d + m[5];
}

// All channels of one tile to 36 places `stride` floats apart.
void gather_tile(const Layer& layer, const float* input, const Place& at, float* to, long stride) {
    const int top = at.y - layer.pad_top, left = at.x - layer.pad_left;
    const float* image =
        input + at.row * layer.height * static_cast<long>(layer.width) * layer.channels;
    for (int channel = 0; channel < layer.channels; channel += kLanes) {
        Vector half[kInputs][kInputs];  // [column][point down]
        for (int x = 0; x < kInputs; ++x) {
            Vector column[kInputs];
            const bool beside = left + x < 0 || left + x >= layer.width;
            for (int y = 0; y < kInputs; ++y) {
                const bool outside = beside || top + y < 0 || top + y >= layer.height;
                const long pixel = static_cast<long>(top + y) * layer.width + left + x;
                column[y] = outside ? Vector{} : load(image + pixel * layer.channels + channel);
            }
            transform_inputs(column, half[x]);
        }
        for (int y = 0; y < kInputs; ++y) {
            Vector line[kInputs], made[kInputs];
            for (int x = 0; x < kInputs; ++x) line[x] = half[x][y];
            transform_inputs(line, made);
            for (int x = 0; x < kInputs; ++x)
                store(to + (y * kInputs + x) * stride + channel, made[x]);
        }
    }
}

inline Vector activate(const Layer& layer, Vector x) {
    if (layer.activation == Activation::leaky_relu) return x < 0.0F ? x * layer.alpha : x;
    if (layer.activation == Activation::clip) {
        x = x < layer.alpha ? splat(layer.alpha) : x;
        return x > layer.beta ? splat(layer.beta) : x;
    }
    return x;
}

// The part's outputs of one tile, from 36 places `stride` floats apart.
void scatter_tile(const Layer& layer, const Part& part, const float* from, long stride,
                  const Place& at, float* output) {
    float* image =
        output + at.row * layer.out_height * static_cast<long>(layer.out_width) * layer.outputs;
    const int end = part.first_output + part.outputs;
    for (int channel = part.first_output; channel < end; channel += kLanes) {
        Vector half[kInputs][kTile];  // [column][output down]
        for (int x = 0; x < kInputs; ++x) {
            Vector column[kInputs];
            for (int y = 0; y < kInputs; ++y)
                column[y] = load(from + (y * kInputs + x) * stride + channel);
            transform_products(column, half[x]);
        }
        const Vector bias = layer.bias == nullptr ? Vector{} : load(layer.bias + channel);
        for (int y = 0; y < kTile && at.y + y < layer.out_height; ++y) {
            Vector line[kInputs], made[kTile];
            for (int x = 0; x < kInputs; ++x) line[x] = half[x][y];
            transform_products(line, made);
            for (int x = 0; x < kTile && at.x + x < layer.out_width; ++x) {
                const long pixel = static_cast<long>(at.y + y) * layer.out_width + at.x + x;
                float* to = image + pixel * layer.outputs + channel;
                Vector sum = made[x] + bias;
                if (layer.add) sum += load(to);
                store(to, activate(layer, sum));
            }
        }
    }
}

/// One product of matrices: `tiles` lines of `channels`, times a panel of weights.
struct Product {
    const float* lines;
    const float* panel;
    float* sums;
    int channels, outputs;  ///< also floats from line to line
    const float* next;      ///< what will be read soon
    int panel_width;
};

template <int Rows, int Vectors>
void product(const Product& p) {
    Vector sums[Rows][Vectors] = {};
    const float* weights = p.panel;
    const float* next = p.next;
    for (int k = 0; k < p.channels; ++k) {
        Vector row[Vectors];
        for (int v = 0; v < Vectors; ++v) row[v] = load(weights + v * kLanes);
        __builtin_prefetch(next, 0, 2);
        for (int r = 0; r < Rows; ++r) {
            const Vector x = splat(p.lines[r * static_cast<long>(p.channels) + k]);
            for (int v = 0; v < Vectors; ++v) sums[r][v] += x * row[v];
        }
        weights += p.panel_width;
        next += kLanes;
    }
    for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < Vectors; ++v)
            store(p.sums + r * static_cast<long>(p.outputs) + v * kLanes, sums[r][v]);
}

template <int Vectors>
void product_of(int rows, const Product& p) {
    switch (rows) {
        case 1:
            return product<1, Vectors>(p);
        case 2:
            return product<2, Vectors>(p);
        case 3:
            return product<3, Vectors>(p);
        case 4:
            return product<4, Vectors>(p);
        case 5:
            return product<5, Vectors>(p);
        default:
            return product<kMostRows, Vectors>(p);
    }
}

void product_of(int rows, int vectors, const Product& p) {
    switch (vectors) {
        case 1:
            return product_of<1>(rows, p);
        case 2:
            return product_of<2>(rows, p);
        case 3:
            return product_of<3>(rows, p);
        default:
            return product_of<4>(rows, p);
    }
}

// sums[tiles][outputs] = lines[tiles][channels] times the weights of one point.
void multiply(const Layer& layer, const Part& part, const float* lines, const float* weights,
              float* sums, int tiles) {
    const int groups = (tiles + kMostRows - 1) / kMostRows;
    const int end = part.first_output + part.outputs;
    for (int output = part.first_output; output < end; output += kPanel) {
        const int left = end - output;
        const int width = left < kPanel ? left : kPanel;
        const float* panel = weights + static_cast<long>(output) * layer.channels;
        const float* next = panel + static_cast<long>(width) * layer.channels;
        int first = 0;
        for (int group = 0; group < groups; ++group) {
            const int rows = (tiles - first) / (groups - group);
            product_of(rows, width / kLanes,
                       {lines + first * static_cast<long>(layer.channels), panel,
                        sums + first * static_cast<long>(layer.outputs) + output, layer.channels,
                        layer.outputs, next, width});
            first += rows;
            next += static_cast<long>(kLanes) * layer.channels;
        }
    }
}

}  // namespace

void run_avx512(const Layer& layer, const float* input, float* output, const Part& part,
                float* scratch) {
    const Tiling tiling(layer);
    const long line_stride = static_cast<long>(layer.block) * layer.channels + kPadding;
    const long sum_stride = static_cast<long>(layer.block) * layer.outputs + kPadding;
    const long weight_stride = static_cast<long>(layer.channels) * layer.outputs;
    float* sums = scratch + kPoints * line_stride;
    const long end = part.first_tile + part.tiles;
    for (long first = part.first_tile; first < end; first += layer.block) {
        const int tiles = static_cast<int>(end - first < layer.block ? end - first : layer.block);
        for (int t = 0; t < tiles; ++t)
            gather_tile(layer, input, tiling.place(first + t),
                        scratch + t * static_cast<long>(layer.channels), line_stride);
        for (int point = 0; point < kPoints; ++point)
            multiply(layer, part, scratch + point * line_stride,
                     layer.weights + point * weight_stride, sums + point * sum_stride, tiles);
        for (int t = 0; t < tiles; ++t)
            scatter_tile(layer, part, sums + t * static_cast<long>(layer.outputs), sum_stride,
                         tiling.place(first + t), output);
    }
}

}  // namespace bunch::cpu::winograd_kernel
