// Functions of two or more elements that stretch to each other: Add, Pow, Max and their like.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "backends/kernels/bounds.h"
#include "backends/kernels/broadcast.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

// Integers wrap around, as in every other implementation; through unsigned, since C++ leaves signed
// overflow undefined.
template <typename T, typename F>
T wrapping(T a, T b, F f) {
    if constexpr (std::is_floating_point_v<T>) {
        return f(a, b);
    } else {
        return static_cast<T>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
    }
}

struct Add {
    template <typename T>
    T operator()(T a, T b) const {
        return wrapping(a, b, [](auto x, auto y) { return x + y; });
    }
};
struct Subtract {
    template <typename T>
    T operator()(T a, T b) const {
        return wrapping(a, b, [](auto x, auto y) { return x - y; });
    }
};
struct Multiply {
    template <typename T>
    T operator()(T a, T b) const {
        return wrapping(a, b, [](auto x, auto y) { return x * y; });
    }
};
// Division by an integer zero gives zero: there is no right answer, and no crash is allowed.
struct Divide {
    template <typename T>
    T operator()(T a, T b) const {
        if constexpr (std::is_floating_point_v<T>) {
            return a / b;
        } else {
            if (b == T{}) return T{};
            if constexpr (std::is_signed_v<T>)
                if (b == T{-1}) return static_cast<T>(-static_cast<std::uint64_t>(a));
            return static_cast<T>(a / b);
        }
    }
};
// The larger; NaN if one is.
struct Largest {
    template <typename T>
    T operator()(T a, T b) const {
        return a > b || a != a ? a : b;
    }
};
struct Smallest {
    template <typename T>
    T operator()(T a, T b) const {
        return a < b || a != a ? a : b;
    }
};

template <typename F>
Result<Kernel> make_binary(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) {
        return for_numbers(run, run.input(0).type, [&](auto tag) {
            using T = decltype(tag);
            return zip_inputs<T, T>(run, run.input(0).type, F{});
        });
    });
}

// y = f(y, x) over all inputs; at the end each element is divided by `divisor`.
template <typename F>
Status fold_inputs(Run& run, bool mean) {
    Shape shape = run.input(0).shape;
    for (std::int64_t i = 1; i < run.inputs(); ++i) {
        if (!run.has(i) || run.input(i).type != run.input(0).type) return run.misfit();
        const auto wider = stretched(shape, run.input(i).shape);
        if (!wider) return run.misfit();
        shape = *wider;
    }
    const DataType type = run.input(0).type;
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, type, shape));
    return for_numbers(run, type, [&](auto tag) {
        using T = decltype(tag);
        zip<T, T, T>(run.input(0), run.input(0), y, [](T a, T) { return a; });
        for (std::int64_t i = 1; i < run.inputs(); ++i) zip<T, T, T>(y, run.input(i), y, F{});
        if (!mean) return ok_status();
        const std::int64_t n = count(y);
        for (std::int64_t i = 0; i < n; ++i)
            data<T>(y)[i] = static_cast<T>(data<T>(y)[i] / static_cast<T>(run.inputs()));
        return ok_status();
    });
}

template <typename F, bool mean = false>
Result<Kernel> make_variadic(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.spec.inputs.size()));
    return Kernel([](Run& run) { return fold_inputs<F>(run, mean); });
}

template <typename T>
T integer_power(T base, std::int64_t exponent) {
    if (exponent < 0) return base == T{1} ? T{1} : T{};
    std::uint64_t result = 1, factor = static_cast<std::uint64_t>(base);
    for (; exponent > 0; exponent >>= 1, factor *= factor)
        if ((exponent & 1) != 0) result *= factor;
    return static_cast<T>(result);
}

template <typename T, typename E>
T power(T base, E exponent) {
    if constexpr (std::is_integral_v<T> && std::is_integral_v<E>)
        return integer_power(base, static_cast<std::int64_t>(exponent));
    else if constexpr (std::is_same_v<T, float> && std::is_same_v<E, float>)
        return exponent == 2.0F ? base * base : std::pow(base, exponent);
    else
        return static_cast<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
}

// Base and exponent may differ in type.
Result<Kernel> make_pow(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) {
        const auto shape = stretched(run.input(0).shape, run.input(1).shape);
        if (!shape) return run.misfit();
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(0).type, *shape));
        return for_wide_numbers(run, run.input(0).type, [&](auto base) {
            return for_numbers(run, run.input(1).type, [&](auto exponent) {
                using T = decltype(base);
                using E = decltype(exponent);
                zip<T, E, T>(run.input(0), run.input(1), y, [](T b, E e) { return power(b, e); });
                return ok_status();
            });
        });
    });
}

// fmod: the sign of the dividend, as in C; else that of the divisor, as in Python.
template <typename T>
T remainder_of(T a, T b, bool as_c) {
    if constexpr (std::is_floating_point_v<T>) {
        const T r = std::fmod(a, b);
        return !as_c && r != T{} && (r < T{}) != (b < T{}) ? r + b : r;
    } else {
        if (b == T{}) return T{};
        if constexpr (std::is_signed_v<T>)
            if (b == T{-1}) return T{};
        const T r = static_cast<T>(a % b);
        if constexpr (std::is_signed_v<T>)
            if (!as_c && r != T{} && (r < T{}) != (b < T{})) return static_cast<T>(r + b);
        return r;
    }
}

Result<Kernel> make_mod(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const bool as_c = node.attributes.integer("fmod", 0) != 0;
    return Kernel([as_c](Run& run) {
        return for_numbers(run, run.input(0).type, [&](auto tag) {
            using T = decltype(tag);
            return zip_inputs<T, T>(run, run.input(0).type,
                                    [as_c](T a, T b) { return remainder_of(a, b, as_c); });
        });
    });
}

Result<Kernel> make_prelu(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) {
        return for_numbers(run, run.input(0).type, [&](auto tag) {
            using T = decltype(tag);
            return zip_inputs<T, T>(run, run.input(0).type, [](T x, T slope) {
                return x < T{} ? static_cast<T>(x * slope) : x;
            });
        });
    });
}

template <typename T>
T shifted(T x, T by, bool left) {
    if (by >= static_cast<T>(8 * sizeof(T))) return T{};
    return left ? static_cast<T>(x << by) : static_cast<T>(x >> by);
}

Result<Kernel> make_bit_shift(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const std::string direction = node.attributes.text("direction", "");
    if (direction != "LEFT" && direction != "RIGHT")
        return node.wrong("has direction = '" + direction + "'");
    return Kernel([left = direction == "LEFT"](Run& run) {
        return for_integers(run, run.input(0).type, [&](auto tag) {
            using T = decltype(tag);
            if constexpr (std::is_signed_v<T>) {
                return run.unsupported("for signed integers");
            } else {
                return zip_inputs<T, T>(run, run.input(0).type,
                                        [left](T a, T b) { return shifted(a, b, left); });
            }
        });
    });
}

// Bounds are attributes before opset 11 and inputs since.
Result<Kernel> make_clip(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.opset() < 11 ? 1 : 3));
    float low = std::numeric_limits<float>::lowest(), high = std::numeric_limits<float>::max();
    if (node.opset() < 11) {
        low = bound_of(node.attributes, node.spec, "min", low);
        high = bound_of(node.attributes, node.spec, "max", high);
    }
    return Kernel([low, high, old = node.opset() < 11](Run& run) {
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
        for (std::int64_t i = 1; i < 3; ++i)
            if (run.has(i) && (count(run.input(i)) != 1 || run.input(i).type != x.type))
                return run.misfit("but each bound is one number of that type");
        return for_numbers(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            T least = std::numeric_limits<T>::lowest(), most = std::numeric_limits<T>::max();
            if constexpr (std::is_floating_point_v<T>) {
                least = -std::numeric_limits<T>::infinity(), most = -least;
                if (old) least = static_cast<T>(low), most = static_cast<T>(high);
            }
            if (run.has(1)) least = *data<T>(run.input(1));
            if (run.has(2)) most = *data<T>(run.input(2));
            const std::int64_t n = count(x);
            for (std::int64_t i = 0; i < n; ++i) {
                const T v = data<T>(x)[i] < least ? least : data<T>(x)[i];
                data<T>(y)[i] = v > most ? most : v;
            }
            return ok_status();
        });
    });
}

constexpr Entry kEntries[] = {
    {"Add", make_binary<Add>},
    {"Sub", make_binary<Subtract>},
    {"Mul", make_binary<Multiply>},
    {"Div", make_binary<Divide>},
    {"Max", make_variadic<Largest>},
    {"Min", make_variadic<Smallest>},
    {"Sum", make_variadic<Add>},
    {"Mean", make_variadic<Add, true>},
    {"Pow", make_pow},
    {"Mod", make_mod},
    {"PRelu", make_prelu},
    {"BitShift", make_bit_shift},
    {"Clip", make_clip},
};

}  // namespace

std::span<const Entry> arithmetic_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
