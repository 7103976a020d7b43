#include "backends/kernels/recurrent.h"

#include <algorithm>
#include <cmath>

#include "backends/kernels/element.h"
#include "backends/kernels/product.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

/// A function of a gate with its parameters.
struct Gate {
    std::string name;
    float alpha = 0, beta = 0;
};

struct Options {
    Cell cell = Cell::rnn;
    std::vector<Gate> gates;  ///< per direction: 1 (RNN), 2 (GRU), 3 (LSTM)
    std::int64_t hidden = 0, directions = 1;
    bool reverse = false, rows_first = false, linear_before_reset = false, input_forget = false;
    float clip = 0;  ///< 0: none
};

std::int64_t gates_of(Cell cell) {
    return cell == Cell::lstm ? 4 : (cell == Cell::gru ? 3 : 1);
}

float sigmoid(float x) {
    return 1.0F / (1.0F + std::exp(-x));
}

float apply(const Gate& gate, float clip, float x) {
    if (clip > 0) x = std::clamp(x, -clip, clip);
    if (gate.name == "Sigmoid") return sigmoid(x);
    if (gate.name == "Tanh") return std::tanh(x);
    if (gate.name == "Relu") return std::max(0.0F, x);
    if (gate.name == "LeakyRelu") return x < 0 ? gate.alpha * x : x;
    if (gate.name == "ThresholdedRelu") return x > gate.alpha ? x : 0;
    if (gate.name == "HardSigmoid") return std::clamp(gate.alpha * x + gate.beta, 0.0F, 1.0F);
    if (gate.name == "Elu") return x < 0 ? gate.alpha * std::expm1(x) : x;
    if (gate.name == "ScaledTanh") return gate.alpha * std::tanh(gate.beta * x);
    if (gate.name == "Softsign") return x / (1 + std::abs(x));
    if (gate.name == "Softplus") return std::max(x, 0.0F) + std::log1p(std::exp(-std::abs(x)));
    return gate.alpha * x + gate.beta;  // Affine
}

Status read_gates(Node& node, Options& options) {
    Texts names = node.attributes.texts("activations");
    const Floats alphas = node.attributes.numbers("activation_alpha"),
                 betas = node.attributes.numbers("activation_beta");
    const std::size_t per_direction =
        options.cell == Cell::lstm ? 3 : (options.cell == Cell::gru ? 2 : 1);
    if (names.empty())
        for (std::int64_t d = 0; d < options.directions; ++d) {
            if (options.cell != Cell::rnn) names.emplace_back("Sigmoid");
            names.insert(names.end(), options.cell == Cell::lstm ? 2 : 1, "Tanh");
        }
    if (names.size() != per_direction * static_cast<std::size_t>(options.directions))
        return node.wrong("has a wrong number of activations");
    std::size_t alpha = 0, beta = 0;
    for (const std::string& name : names) {
        struct Known {
            std::string_view name;
            bool alpha, beta;
            float a, b;
        };
        static constexpr Known kKnown[] = {{"Sigmoid", false, false, 0, 0},
                                           {"Tanh", false, false, 0, 0},
                                           {"Relu", false, false, 0, 0},
                                           {"LeakyRelu", true, false, 0.01F, 0},
                                           {"ThresholdedRelu", true, false, 1, 0},
                                           {"HardSigmoid", true, true, 0.2F, 0.5F},
                                           {"Elu", true, false, 1, 0},
                                           {"ScaledTanh", true, true, 1, 1},
                                           {"Affine", true, true, 1, 0},
                                           {"Softsign", false, false, 0, 0},
                                           {"Softplus", false, false, 0, 0}};
        const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                         [&](const Known& k) { return k.name == name; });
        if (known == std::end(kKnown)) return node.unsupported("with activation '" + name + "'");
        Gate gate{name, known->a, known->b};
        if (known->alpha && alpha < alphas.size()) gate.alpha = alphas[alpha++];
        if (known->beta && beta < betas.size()) gate.beta = betas[beta++];
        options.gates.push_back(std::move(gate));
    }
    return ok_status();
}

Result<Options> read_options(Node& node, Cell cell) {
    Options options;
    options.cell = cell;
    options.hidden = node.attributes.integer("hidden_size", 0);
    const std::string direction = node.attributes.text("direction", "forward");
    options.directions = direction == "bidirectional" ? 2 : 1;
    options.reverse = direction == "reverse";
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
        return node.wrong("has direction = '" + direction + "'");
    options.rows_first = node.attributes.integer("layout", 0) != 0;
    options.clip = node.attributes.number("clip", 0);
    if (cell == Cell::gru)
        options.linear_before_reset = node.attributes.integer("linear_before_reset", 0) != 0;
    if (cell == Cell::lstm) options.input_forget = node.attributes.integer("input_forget", 0) != 0;
    BUNCH_RETURN_IF_ERROR(read_gates(node, options));
    return options;
}

/// One direction of one run.
struct Direction {
    const Options& options;
    const Gate* gates;
    std::int64_t steps, rows, hidden;
    bool backwards;
    const std::int32_t* lengths;       ///< null: all rows are `steps` long
    const float *r, *bias, *peephole;  ///< [g*h,h]; [2*g*h] or null; [3*h] or null
    const float* x;                    ///< [steps, rows, g*h]: the inputs times their weights
    float *h, *c, *product, *second;   ///< [rows,h], [rows,h], [rows,g*h], [rows,h]

    float f(std::int64_t gate, float v) const { return apply(gates[gate], options.clip, v); }
    float b(std::int64_t i) const { return bias != nullptr ? bias[i] : 0; }
};

void lstm_cell(const Direction& d, const float* x, std::int64_t row) {
    const std::int64_t n = d.hidden;
    const float* p = d.product + row * 4 * n;
    for (std::int64_t j = 0; j < n; ++j) {
        const auto gate = [&](std::int64_t g) {
            return x[g * n + j] + p[g * n + j] + d.b(g * n + j) + d.b((4 + g) * n + j);
        };
        const auto peep = [&](std::int64_t g, float c) {
            return d.peephole != nullptr ? d.peephole[g * n + j] * c : 0;
        };
        float& c = d.c[row * n + j];
        const float i = d.f(0, gate(0) + peep(0, c));
        const float forget = d.options.input_forget ? 1 - i : d.f(0, gate(2) + peep(2, c));
        c = forget * c + i * d.f(1, gate(3));
        d.h[row * n + j] = d.f(0, gate(1) + peep(1, c)) * d.f(2, c);
    }
}

void rnn_cell(const Direction& d, const float* x, std::int64_t row) {
    const std::int64_t n = d.hidden;
    for (std::int64_t j = 0; j < n; ++j)
        d.h[row * n + j] = d.f(0, x[j] + d.product[row * n + j] + d.b(j) + d.b(n + j));
}

// Update and reset gates; leaves reset * h in `second` where the product comes after.
void gru_gates(const Direction& d, const float* x, std::int64_t row, float* update) {
    const std::int64_t n = d.hidden;
    const float* p = d.product + row * 3 * n;
    for (std::int64_t j = 0; j < n; ++j) {
        update[j] = d.f(0, x[j] + p[j] + d.b(j) + d.b(3 * n + j));
        const float reset = d.f(0, x[n + j] + p[n + j] + d.b(n + j) + d.b(4 * n + j));
        d.second[row * n + j] = d.options.linear_before_reset
                                    ? reset * (p[2 * n + j] + d.b(5 * n + j))
                                    : reset * d.h[row * n + j];
    }
}

void gru_finish(const Direction& d, const float* x, std::int64_t row, const float* update,
                const float* candidate) {
    const std::int64_t n = d.hidden;
    for (std::int64_t j = 0; j < n; ++j) {
        const float late = d.options.linear_before_reset ? 0 : d.b(5 * n + j);
        const float next = d.f(1, x[2 * n + j] + candidate[j] + d.b(2 * n + j) + late);
        float& h = d.h[row * n + j];
        h = (1 - update[j]) * next + update[j] * h;
    }
}

Status step_all(Run& run, const Direction& d, const Product& product, float* y,
                std::int64_t y_step) {
    const std::int64_t n = d.hidden, gates = gates_of(d.options.cell);
    std::vector<float> update(static_cast<std::size_t>(d.rows * n)), candidate(update.size());
    for (std::int64_t s = 0; s < d.steps; ++s) {
        BUNCH_RETURN_IF_ERROR(product(run, d.h, d.r, d.product, d.rows, gates * n, n));
        // Backwards, a row of length L reads L-1, L-2, ... and is left alone after.
        const auto place = [&](std::int64_t row) {
            const std::int64_t length = d.lengths != nullptr ? d.lengths[row] : d.steps;
            if (s >= length) return std::int64_t{-1};
            return d.backwards ? length - 1 - s : s;
        };
        const auto input = [&](std::int64_t row) {
            return d.x + (place(row) * d.rows + row) * gates * n;
        };
        if (d.options.cell == Cell::gru) {
            for (std::int64_t row = 0; row < d.rows; ++row)
                if (place(row) >= 0) gru_gates(d, input(row), row, update.data() + row * n);
            const float* from = d.second;
            if (!d.options.linear_before_reset) {
                BUNCH_RETURN_IF_ERROR(
                    product(run, d.second, d.r + 2 * n * n, candidate.data(), d.rows, n, n));
                from = candidate.data();
            }
            for (std::int64_t row = 0; row < d.rows; ++row)
                if (place(row) >= 0)
                    gru_finish(d, input(row), row, update.data() + row * n, from + row * n);
        }
        for (std::int64_t row = 0; row < d.rows; ++row) {
            const std::int64_t at = place(row);
            if (at < 0) continue;
            if (d.options.cell == Cell::lstm) lstm_cell(d, input(row), row);
            if (d.options.cell == Cell::rnn) rnn_cell(d, input(row), row);
            if (y != nullptr) std::copy_n(d.h + row * n, n, y + at * y_step + row * n);
        }
    }
    return ok_status();
}

/// The tensors of a run, with the rows in the middle: [steps, rows, inputs].
struct Sizes {
    std::int64_t steps = 0, rows = 0, inputs = 0, hidden = 0;
};

Result<Sizes> check(const Run& run, const Options& options) {
    const Dims x(run.input(0).shape), w(run.input(1).shape), r(run.input(2).shape);
    const std::int64_t gates = gates_of(options.cell), d = options.directions;
    if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3) return run.misfit();
    Sizes s{x[options.rows_first ? 1 : 0], x[options.rows_first ? 0 : 1], x[2], r[2]};
    const Shape state =
        options.rows_first ? Shape{s.rows, d, s.hidden} : Shape{d, s.rows, s.hidden};
    const auto fits = [&](std::int64_t i, const Shape& shape) {
        return !run.has(i) || (run.input(i).shape == shape && run.input(i).type == DataType::f32);
    };
    const bool good = s.inputs > 0 && s.hidden > 0 && fits(1, {d, gates * s.hidden, s.inputs}) &&
                      fits(2, {d, gates * s.hidden, s.hidden}) &&
                      fits(3, {d, 2 * gates * s.hidden}) && fits(5, state) && fits(6, state) &&
                      fits(7, {d, 3 * s.hidden}) && run.input(0).type == DataType::f32 &&
                      (options.hidden == 0 || options.hidden == s.hidden);
    if (!good) return run.misfit();
    if (run.has(4)) {
        if (run.input(4).type != DataType::i32 || run.input(4).shape != Shape{s.rows})
            return run.misfit();
        for (std::int64_t i = 0; i < s.rows; ++i)
            if (data<std::int32_t>(run.input(4))[i] < 0 ||
                data<std::int32_t>(run.input(4))[i] > s.steps)
                return run.wrong("has a sequence longer than its input");
    }
    return s;
}

// Copies [a,b,n] to [b,a,n].
void swap_rows(const float* from, float* to, std::int64_t a, std::int64_t b, std::int64_t n) {
    for (std::int64_t i = 0; i < a; ++i)
        for (std::int64_t j = 0; j < b; ++j)
            std::copy_n(from + (i * b + j) * n, n, to + (j * a + i) * n);
}

// State `i` of all directions as [directions, rows, hidden]; zeros where it is left out.
std::vector<float> state_of(const Run& run, const Options& options, const Sizes& s,
                            std::int64_t i) {
    std::vector<float> state(static_cast<std::size_t>(options.directions * s.rows * s.hidden),
                             0.0F);
    if (!run.has(i)) return state;
    if (options.rows_first)
        swap_rows(data<float>(run.input(i)), state.data(), s.rows, options.directions, s.hidden);
    else
        std::copy_n(data<float>(run.input(i)), state.size(), state.data());
    return state;
}

Status put_state(Run& run, const Options& options, const Sizes& s, std::int64_t i,
                 const std::vector<float>& state) {
    if (!run.wants(i)) return ok_status();
    const std::int64_t d = options.directions;
    const Shape shape =
        options.rows_first ? Shape{s.rows, d, s.hidden} : Shape{d, s.rows, s.hidden};
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(i, DataType::f32, shape));
    if (options.rows_first)
        swap_rows(state.data(), data<float>(y), d, s.rows, s.hidden);
    else
        std::copy(state.begin(), state.end(), data<float>(y));
    return ok_status();
}

Status recurrent(Run& run, const Options& options, const Product& product) {
    BUNCH_ASSIGN_OR_RETURN(const Sizes s, check(run, options));
    const std::int64_t d = options.directions, gates = gates_of(options.cell),
                       wide = gates * s.hidden;
    const auto floats = [&](std::int64_t n) {
        return run.scratch(static_cast<std::uint64_t>(n) * sizeof(float));
    };
    // Asked for first, so that a shape without elements cannot make vectors without end.
    BUNCH_RETURN_IF_ERROR(floats(2 * d * s.rows * s.hidden).status());
    std::vector<float> h = state_of(run, options, s, 5), c = state_of(run, options, s, 6);
    BUNCH_ASSIGN_OR_RETURN(std::byte * inputs, floats(s.steps * s.rows * s.inputs));
    BUNCH_ASSIGN_OR_RETURN(std::byte * projected, floats(s.steps * s.rows * wide));
    BUNCH_ASSIGN_OR_RETURN(std::byte * products, floats(s.rows * wide));
    BUNCH_ASSIGN_OR_RETURN(std::byte * second, floats(s.rows * s.hidden));
    BUNCH_ASSIGN_OR_RETURN(std::byte * all, floats(s.steps * d * s.rows * s.hidden));
    auto* y = reinterpret_cast<float*>(all);  // [steps, directions, rows, hidden]
    std::fill_n(y, s.steps * d * s.rows * s.hidden, 0.0F);
    const float* x = data<float>(run.input(0));
    if (options.rows_first) {
        swap_rows(x, reinterpret_cast<float*>(inputs), s.rows, s.steps, s.inputs);
        x = reinterpret_cast<const float*>(inputs);
    }
    for (std::int64_t i = 0; i < d; ++i) {
        const auto part = [&](std::int64_t input, std::int64_t size) {
            return run.has(input) ? data<float>(run.input(input)) + i * size : nullptr;
        };
        BUNCH_RETURN_IF_ERROR(product(run, x, part(1, wide * s.inputs),
                                      reinterpret_cast<float*>(projected), s.steps * s.rows, wide,
                                      s.inputs));
        const Direction direction{
            options,
            options.gates.data() + i * static_cast<std::int64_t>(options.gates.size()) / d,
            s.steps,
            s.rows,
            s.hidden,
            options.reverse || i == 1,
            run.has(4) ? data<std::int32_t>(run.input(4)) : nullptr,
            part(2, wide * s.hidden),
            part(3, 2 * wide),
            part(7, 3 * s.hidden),
            reinterpret_cast<const float*>(projected),
            h.data() + i * s.rows * s.hidden,
            c.data() + i * s.rows * s.hidden,
            reinterpret_cast<float*>(products),
            reinterpret_cast<float*>(second)};
        BUNCH_RETURN_IF_ERROR(
            step_all(run, direction, product, y + i * s.rows * s.hidden, d * s.rows * s.hidden));
    }
    BUNCH_RETURN_IF_ERROR(put_state(run, options, s, 1, h));
    BUNCH_RETURN_IF_ERROR(put_state(run, options, s, 2, c));
    if (!run.wants(0)) return ok_status();
    const Shape shape = options.rows_first ? Shape{s.rows, s.steps, d, s.hidden}
                                           : Shape{s.steps, d, s.rows, s.hidden};
    BUNCH_ASSIGN_OR_RETURN(const TensorView out, run.output(0, DataType::f32, shape));
    if (!options.rows_first)
        std::copy_n(y, s.steps * d * s.rows * s.hidden, data<float>(out));
    else
        swap_rows(y, data<float>(out), s.steps * d, s.rows, s.hidden);
    return ok_status();
}

Status plain_product(Run&, const float* a, const float* b, float* y, std::int64_t m, std::int64_t n,
                     std::int64_t k) {
    std::fill_n(y, m * n, 0.0F);
    multiply(a, b, y, m, n, k, k, 1, 1, k);
    return ok_status();
}

const Entry kEntries[] = {
    {"RNN", [](Node& n) { return make_recurrent(n, Cell::rnn, plain_product); }},
    {"GRU", [](Node& n) { return make_recurrent(n, Cell::gru, plain_product); }},
    {"LSTM", [](Node& n) { return make_recurrent(n, Cell::lstm, plain_product); }},
};

}  // namespace

Result<Kernel> make_recurrent(Node& node, Cell cell, Product product) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, cell == Cell::lstm ? 8 : 6));
    BUNCH_ASSIGN_OR_RETURN(const Options options, read_options(node, cell));
    return Kernel([options, product](Run& run) { return recurrent(run, options, product); });
}

std::span<const Entry> recurrent_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
