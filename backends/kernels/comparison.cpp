// Comparisons, logic, and Where.
#include <cmath>

#include "backends/kernels/broadcast.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

using Bool = std::uint8_t;

struct Equal {
    template <typename T>
    Bool operator()(T a, T b) const {
        return a == b ? 1 : 0;
    }
};
struct Greater {
    template <typename T>
    Bool operator()(T a, T b) const {
        return a > b ? 1 : 0;
    }
};
struct GreaterOrEqual {
    template <typename T>
    Bool operator()(T a, T b) const {
        return a >= b ? 1 : 0;
    }
};
struct Less {
    template <typename T>
    Bool operator()(T a, T b) const {
        return a < b ? 1 : 0;
    }
};
struct LessOrEqual {
    template <typename T>
    Bool operator()(T a, T b) const {
        return a <= b ? 1 : 0;
    }
};

template <typename F>
Result<Kernel> make_comparison(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) {
        if (run.input(0).type == DataType::boolean)
            return zip_inputs<Bool, Bool>(run, DataType::boolean, F{});
        return for_numbers(run, run.input(0).type, [&](auto tag) {
            return zip_inputs<decltype(tag), Bool>(run, DataType::boolean, F{});
        });
    });
}

template <typename F>
Result<Kernel> make_logic(Node& node, F f) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([f](Run& run) {
        if (run.input(0).type != DataType::boolean) return run.misfit("but needs BOOL");
        return zip_inputs<Bool, Bool>(run, DataType::boolean, f);
    });
}

Result<Kernel> make_not(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([](Run& run) {
        const ConstTensorView& x = run.input(0);
        if (x.type != DataType::boolean) return run.misfit("but needs BOOL");
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::boolean, x.shape));
        for (std::int64_t i = 0; i < count(x); ++i)
            data<Bool>(y)[i] = data<Bool>(x)[i] == 0 ? 1 : 0;
        return ok_status();
    });
}

template <typename F>
Result<Kernel> make_question(Node& node, F f) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([f](Run& run) {
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::boolean, x.shape));
        return for_floats(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t i = 0; i < count(x); ++i) data<Bool>(y)[i] = f(data<T>(x)[i]) ? 1 : 0;
            return ok_status();
        });
    });
}

Result<Kernel> make_is_inf(Node& node) {
    const bool positive = node.attributes.integer("detect_positive", 1) != 0;
    const bool negative = node.attributes.integer("detect_negative", 1) != 0;
    return make_question(node, [positive, negative](auto x) {
        return std::isinf(x) && (x > 0 ? positive : negative);
    });
}

Status run_where(Run& run) {
    const ConstTensorView &condition = run.input(0), &a = run.input(1), &b = run.input(2);
    const auto values = stretched(a.shape, b.shape);
    const auto shape = values ? stretched(*values, condition.shape) : std::nullopt;
    if (!shape || a.type != b.type || condition.type != DataType::boolean) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, a.type, *shape));
    for_size(a.type, [&](auto tag) {
        using T = decltype(tag);
        zip<T, T, T>(a, a, y, [](T x, T) { return x; });
        const Dims extents(*shape);
        if (extents.product() == 0) return;
        T* to = data<T>(y);
        for_each_offset(extents, stretched_strides(condition.shape, *shape),
                        stretched_strides(b.shape, *shape), [&](std::int64_t c, std::int64_t at) {
                            if (data<Bool>(condition)[c] == 0) *to = data<T>(b)[at];
                            ++to;
                        });
    });
    return ok_status();
}

Result<Kernel> make_where(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    return Kernel(run_where);
}

const Entry kEntries[] = {
    {"Equal", make_comparison<Equal>},
    {"Greater", make_comparison<Greater>},
    {"GreaterOrEqual", make_comparison<GreaterOrEqual>},
    {"Less", make_comparison<Less>},
    {"LessOrEqual", make_comparison<LessOrEqual>},
    {"And",
     [](Node& n) {
         return make_logic(n, [](Bool a, Bool b) -> Bool { return a != 0 && b != 0; });
     }},
    {"Or",
     [](Node& n) {
         return make_logic(n, [](Bool a, Bool b) -> Bool { return a != 0 || b != 0; });
     }},
    {"Xor",
     [](Node& n) {
         return make_logic(n, [](Bool a, Bool b) -> Bool { return (a != 0) != (b != 0); });
     }},
    {"Not", make_not},
    {"IsNaN", [](Node& n) { return make_question(n, [](auto x) { return std::isnan(x); }); }},
    {"IsInf", make_is_inf},
    {"Where", make_where, Halves::native},
};

}  // namespace

std::span<const Entry> comparison_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
