// Operators of image geometry: GridSample, Det.
#include <algorithm>
#include <cmath>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

// The determinant by elimination with pivots.
template <typename T>
T determinant(std::vector<T> a, std::int64_t n) {
    T result{1};
    const auto at = [&](std::int64_t i, std::int64_t j) -> T& {
        return a[static_cast<std::size_t>(i * n + j)];
    };
    for (std::int64_t c = 0; c < n; ++c) {
        std::int64_t pivot = c;
        for (std::int64_t r = c + 1; r < n; ++r)
            if (std::abs(at(r, c)) > std::abs(at(pivot, c))) pivot = r;
        if (at(pivot, c) == T{}) return T{};
        if (pivot != c) {
            result = -result;
            for (std::int64_t j = 0; j < n; ++j) std::swap(at(pivot, j), at(c, j));
        }
        result *= at(c, c);
        for (std::int64_t r = c + 1; r < n; ++r) {
            const T factor = at(r, c) / at(c, c);
            for (std::int64_t j = c; j < n; ++j) at(r, j) -= factor * at(c, j);
        }
    }
    return result;
}

Result<Kernel> make_det(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims e(x.shape);
        const std::int64_t n = e.rank() >= 2 ? e[e.rank() - 1] : 0;
        if (n < 1 || e[e.rank() - 2] != n) return run.misfit();
        Dims shape;
        for (std::int64_t i = 0; i + 2 < e.rank(); ++i) shape.push(e[i]);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
        return for_floats(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t i = 0; i < count(y); ++i)
                data<T>(y)[i] = determinant(
                    std::vector<T>(data<T>(x) + i * n * n, data<T>(x) + (i + 1) * n * n), n);
            return ok_status();
        });
    });
}

enum class Padding : std::uint8_t { zeros, border, reflection };

struct Grid {
    std::string mode;
    Padding padding = Padding::zeros;
    bool corners = false;
};

// `x` folded back into [low, high].
double reflected(double x, double low, double high) {
    const double range = high - low;
    if (range <= 0) return low;
    double at = std::fmod(std::abs(x - low), 2 * range);
    if (at > range) at = 2 * range - at;
    return low + at;
}

template <typename T>
struct Plane {
    const T* x;
    std::int64_t height, width;
    const Grid& grid;

    double folded(double at, std::int64_t extent) const {
        const auto e = static_cast<double>(extent);
        if (grid.padding == Padding::border) return std::clamp(at, 0.0, e - 1);
        if (grid.padding == Padding::reflection) {
            const double back =
                grid.corners ? reflected(at, 0, e - 1) : reflected(at, -0.5, e - 0.5);
            return std::clamp(back, 0.0, e - 1);
        }
        return at;
    }
    double pixel(double row, double column) const {
        row = folded(row, height), column = folded(column, width);
        const bool inside = row >= 0 && column >= 0 && row < static_cast<double>(height) &&
                            column < static_cast<double>(width);
        return inside ? static_cast<double>(x[static_cast<std::int64_t>(row) * width +
                                              static_cast<std::int64_t>(column)])
                      : 0;
    }
};

double cubic(const double* p, double t) {
    const double a = -0.75;
    const auto near = [&](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
    const auto far = [&](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    return p[0] * far(t + 1) + p[1] * near(t) + p[2] * near(1 - t) + p[3] * far(2 - t);
}

template <typename T>
double sample(const Plane<T>& plane, double row, double column) {
    if (plane.grid.mode == "nearest")
        return plane.pixel(std::nearbyint(row), std::nearbyint(column));
    if (plane.grid.mode == "bilinear")
        row = plane.folded(row, plane.height), column = plane.folded(column, plane.width);
    const double r = std::floor(row), c = std::floor(column), tr = row - r, tc = column - c;
    if (plane.grid.mode == "bilinear")
        return (1 - tr) * ((1 - tc) * plane.pixel(r, c) + tc * plane.pixel(r, c + 1)) +
               tr * ((1 - tc) * plane.pixel(r + 1, c) + tc * plane.pixel(r + 1, c + 1));
    double rows[4];
    for (int i = 0; i < 4; ++i) {
        double p[4];
        for (int j = 0; j < 4; ++j) p[j] = plane.pixel(r - 1 + i, c - 1 + j);
        rows[i] = cubic(p, tc);
    }
    return cubic(rows, tr);
}

Status grid_sample(Run& run, const Grid& grid) {
    const ConstTensorView &x = run.input(0), &places = run.input(1);
    const Dims e(x.shape), g(places.shape);
    if (e.rank() != 4 || g.rank() != 4 || g[3] != 2 || g[0] != e[0] || places.type != x.type ||
        e[2] < 1 || e[3] < 1)
        return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y,
                           run.output(0, x.type, Shape{e[0], e[1], g[1], g[2]}));
    return for_floats(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        const auto place = [&](T v, std::int64_t extent) {
            const auto size = static_cast<double>(extent);
            const double at = grid.corners ? (static_cast<double>(v) + 1) / 2 * (size - 1)
                                           : ((static_cast<double>(v) + 1) * size - 1) / 2;
            return std::isfinite(at) ? std::clamp(at, -1e9, 1e9) : -1e9;
        };
        const std::int64_t pixels = g[1] * g[2];
        for (std::int64_t n = 0; n < e[0]; ++n)
            for (std::int64_t c = 0; c < e[1]; ++c)
                for (std::int64_t p = 0; p < pixels; ++p) {
                    const T* at = data<T>(places) + (n * pixels + p) * 2;
                    const Plane<T> plane{data<T>(x) + (n * e[1] + c) * e[2] * e[3], e[2], e[3],
                                         grid};
                    data<T>(y)[(n * e[1] + c) * pixels + p] =
                        static_cast<T>(sample(plane, place(at[1], e[2]), place(at[0], e[3])));
                }
        return ok_status();
    });
}

Result<Kernel> make_grid_sample(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    Grid grid;
    grid.mode = node.attributes.text("mode", "bilinear");
    const std::string padding = node.attributes.text("padding_mode", "zeros");
    grid.corners = node.attributes.integer("align_corners", 0) != 0;
    if (grid.mode != "bilinear" && grid.mode != "nearest" && grid.mode != "bicubic")
        return node.wrong("has mode = '" + grid.mode + "'");
    if (padding != "zeros" && padding != "border" && padding != "reflection")
        return node.wrong("has padding_mode = '" + padding + "'");
    if (padding == "border") grid.padding = Padding::border;
    if (padding == "reflection") grid.padding = Padding::reflection;
    return Kernel([grid](Run& run) { return grid_sample(run, grid); });
}

constexpr Entry kEntries[] = {{"Det", make_det}, {"GridSample", make_grid_sample}};

}  // namespace

std::span<const Entry> geometry_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
