// Functions of one element: Relu, Exp, Abs and their like.
#include <cmath>
#include <limits>

#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

template <typename T, typename F>
Status map(Run& run, F f) {
    const ConstTensorView& x = run.input(0);
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    const T* from = data<T>(x);
    T* to = data<T>(y);
    const std::int64_t n = count(x);
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(f(from[i]));
    return ok_status();
}

template <typename F>
Result<Kernel> of_floats(const Node& node, F f) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([f](Run& run) {
        return for_floats(run, run.input(0).type,
                          [&](auto tag) { return map<decltype(tag)>(run, f); });
    });
}

template <typename F>
Result<Kernel> of_numbers(const Node& node, F f) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([f](Run& run) {
        return for_numbers(run, run.input(0).type,
                           [&](auto tag) { return map<decltype(tag)>(run, f); });
    });
}

template <typename T>
T relu(T x) {
    return x < T{} ? T{} : x;  // keeps NaN
}
template <typename T>
T softplus(T x) {
    return std::max(x, T{}) + std::log1p(std::exp(-std::abs(x)));
}
template <typename T>
T sigmoid(T x) {
    return T{1} / (T{1} + std::exp(-x));
}

Result<Kernel> make_elu(Node& node) {
    const float alpha = node.attributes.number("alpha", 1.0F);
    return of_floats(node, [alpha](auto x) {
        using T = decltype(x);
        return x < T{} ? static_cast<T>(alpha) * std::expm1(x) : x;
    });
}

Result<Kernel> make_celu(Node& node) {
    const float alpha = node.attributes.number("alpha", 1.0F);
    if (alpha == 0.0F) return node.wrong("has alpha = 0");
    return of_floats(node, [alpha](auto x) {
        using T = decltype(x);
        const T a = static_cast<T>(alpha);
        return std::max(T{}, x) + std::min(T{}, a * std::expm1(x / a));
    });
}

Result<Kernel> make_selu(Node& node) {
    const float alpha = node.attributes.number("alpha", 1.67326319217681884765625F);
    const float gamma = node.attributes.number("gamma", 1.05070102214813232421875F);
    return of_floats(node, [alpha, gamma](auto x) {
        using T = decltype(x);
        return static_cast<T>(gamma) * (x > T{} ? x : static_cast<T>(alpha) * std::expm1(x));
    });
}

Result<Kernel> make_leaky_relu(Node& node) {
    const float alpha = node.attributes.number("alpha", 0.01F);
    return of_floats(node, [alpha](auto x) {
        using T = decltype(x);
        return x < T{} ? static_cast<T>(alpha) * x : x;
    });
}

Result<Kernel> make_thresholded_relu(Node& node) {
    const float alpha = node.attributes.number("alpha", 1.0F);
    return of_floats(node, [alpha](auto x) {
        using T = decltype(x);
        return x > static_cast<T>(alpha) ? x : T{};
    });
}

Result<Kernel> make_hard_sigmoid(Node& node) {
    const float alpha = node.attributes.number("alpha", 0.2F);
    const float beta = node.attributes.number("beta", 0.5F);
    return of_floats(node, [alpha, beta](auto x) {
        using T = decltype(x);
        return std::max(T{}, std::min(T{1}, static_cast<T>(alpha) * x + static_cast<T>(beta)));
    });
}

Result<Kernel> make_shrink(Node& node) {
    const float bias = node.attributes.number("bias", 0.0F);
    const float lambda = node.attributes.number("lambd", 0.5F);
    return of_numbers(node, [bias, lambda](auto x) {
        using T = decltype(x);
        const auto number = static_cast<double>(x);
        if (number < -static_cast<double>(lambda))
            return static_cast<T>(number + static_cast<double>(bias));
        return number > static_cast<double>(lambda)
                   ? static_cast<T>(number - static_cast<double>(bias))
                   : T{};
    });
}

template <typename T>
T absolute(T x) {
    return x < T{} ? static_cast<T>(T{} - x) : (x == T{} ? T{} : x);
}
template <typename T>
T sign(T x) {
    return static_cast<T>((T{} < x ? 1 : 0) - (x < T{} ? 1 : 0));
}

// To nearest even, whatever the rounding mode of the thread is called: the default is that.
const Entry kEntries[] = {
    {"Abs", [](Node& n) { return of_numbers(n, [](auto x) { return absolute(x); }); }},
    {"Neg",
     [](Node& n) {
         return of_numbers(n, [](auto x) {
             using T = decltype(x);
             if constexpr (std::is_floating_point_v<T>)
                 return -x;
             else
                 return static_cast<T>(T{} - x);
         });
     }},
    {"Sign", [](Node& n) { return of_numbers(n, [](auto x) { return sign(x); }); }},
    {"Relu", [](Node& n) { return of_numbers(n, [](auto x) { return relu(x); }); }},
    {"Acos", [](Node& n) { return of_floats(n, [](auto x) { return std::acos(x); }); }},
    {"Acosh", [](Node& n) { return of_floats(n, [](auto x) { return std::acosh(x); }); }},
    {"Asin", [](Node& n) { return of_floats(n, [](auto x) { return std::asin(x); }); }},
    {"Asinh", [](Node& n) { return of_floats(n, [](auto x) { return std::asinh(x); }); }},
    {"Atan", [](Node& n) { return of_floats(n, [](auto x) { return std::atan(x); }); }},
    {"Atanh", [](Node& n) { return of_floats(n, [](auto x) { return std::atanh(x); }); }},
    {"Cos", [](Node& n) { return of_floats(n, [](auto x) { return std::cos(x); }); }},
    {"Cosh", [](Node& n) { return of_floats(n, [](auto x) { return std::cosh(x); }); }},
    {"Sin", [](Node& n) { return of_floats(n, [](auto x) { return std::sin(x); }); }},
    {"Sinh", [](Node& n) { return of_floats(n, [](auto x) { return std::sinh(x); }); }},
    {"Tan", [](Node& n) { return of_floats(n, [](auto x) { return std::tan(x); }); }},
    {"Tanh", [](Node& n) { return of_floats(n, [](auto x) { return std::tanh(x); }); }},
    {"Exp", [](Node& n) { return of_floats(n, [](auto x) { return std::exp(x); }); }},
    {"Log", [](Node& n) { return of_floats(n, [](auto x) { return std::log(x); }); }},
    {"Sqrt", [](Node& n) { return of_floats(n, [](auto x) { return std::sqrt(x); }); }},
    {"Erf", [](Node& n) { return of_floats(n, [](auto x) { return std::erf(x); }); }},
    {"Ceil", [](Node& n) { return of_floats(n, [](auto x) { return std::ceil(x); }); }},
    {"Floor", [](Node& n) { return of_floats(n, [](auto x) { return std::floor(x); }); }},
    {"Round", [](Node& n) { return of_floats(n, [](auto x) { return std::nearbyint(x); }); }},
    {"Reciprocal", [](Node& n) { return of_floats(n, [](auto x) { return decltype(x){1} / x; }); }},
    {"Sigmoid", [](Node& n) { return of_floats(n, [](auto x) { return sigmoid(x); }); }},
    {"Softplus", [](Node& n) { return of_floats(n, [](auto x) { return softplus(x); }); }},
    {"Softsign",
     [](Node& n) {
         return of_floats(n, [](auto x) { return x / (decltype(x){1} + std::abs(x)); });
     }},
    {"HardSwish",
     [](Node& n) {
         return of_floats(n, [](auto x) {
             using T = decltype(x);
             return x * std::max(T{}, std::min(T{1}, x / T{6} + T{0.5}));
         });
     }},
    {"Elu", make_elu},
    {"Celu", make_celu},
    {"Selu", make_selu},
    {"LeakyRelu", make_leaky_relu},
    {"ThresholdedRelu", make_thresholded_relu},
    {"HardSigmoid", make_hard_sigmoid},
    {"Shrink", make_shrink},
};

}  // namespace

std::span<const Entry> function_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
