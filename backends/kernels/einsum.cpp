// Einsum: sums of products over named extents; two terms as products of matrices.
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/kernels/dims.h"
#include "backends/kernels/einsum.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"
#include "backends/kernels/strided.h"

namespace bunch::kernels {
namespace {

// The labels of "...": letters of an equation are positive, so these never meet them.
constexpr int kEllipsis = -100;

struct Equation {
    std::vector<std::string> terms;
    std::string result;
    bool explicit_result = false;
};

Result<Equation> parse(const Node& node, const std::string& text) {
    Equation equation;
    std::string plain;
    for (const char c : text)
        if (c != ' ') plain += c;
    const std::size_t arrow = plain.find("->");
    equation.explicit_result = arrow != std::string::npos;
    if (equation.explicit_result) equation.result = plain.substr(arrow + 2);
    std::string term;
    for (const char c : plain.substr(0, arrow) + ",") {
        if (c == ',')
            equation.terms.push_back(std::exchange(term, {}));
        else
            term += c;
    }
    for (const std::string& part : equation.terms)
        for (const char c : part)
            if (std::isalpha(static_cast<unsigned char>(c)) == 0 && c != '.')
                return node.wrong("has equation '" + text + "'");
    for (const char c : equation.result)
        if (std::isalpha(static_cast<unsigned char>(c)) == 0 && c != '.')
            return node.wrong("has equation '" + text + "'");
    if (equation.terms.size() != node.spec.inputs.size())
        return node.wrong("has equation '" + text + "' for " +
                          std::to_string(node.spec.inputs.size()) + " inputs");
    return equation;
}

// One label per dimension; "..." takes as many as are left, aligned at their end.
Result<std::vector<int>> labels_of(const Run& run, const std::string& term, std::size_t rank) {
    std::vector<int> labels;
    const std::size_t dots = term.find("...");
    const std::size_t letters = dots == std::string::npos ? term.size() : term.size() - 3;
    if (letters > rank || (dots == std::string::npos && letters != rank))
        return run.misfit("which do not fit the equation");
    for (std::size_t i = 0; i < term.size(); ++i) {
        if (i == dots) {
            for (std::size_t left = rank - letters; left > 0; --left)
                labels.push_back(kEllipsis + static_cast<int>(kMaxRank - left));
            i += 2;
        } else if (term[i] == '.') {
            return run.wrong("has a '.' that is not part of '...'");
        } else {
            labels.push_back(term[i]);
        }
    }
    return labels;
}

// All extents of the sum: those of the result first, then those that are summed over.
struct Walk {
    std::vector<int> labels;
    std::vector<std::int64_t> extents;
    std::size_t kept = 0;

    std::size_t find(int label) const {
        return static_cast<std::size_t>(std::find(labels.begin(), labels.end(), label) -
                                        labels.begin());
    }
};

Result<Walk> plan(const Run& run, const Equation& equation,
                  const std::vector<std::vector<int>>& terms) {
    std::vector<int> all, once;
    for (const auto& labels : terms) all.insert(all.end(), labels.begin(), labels.end());
    std::sort(all.begin(), all.end());
    for (const int label : all)
        if (std::count(all.begin(), all.end(), label) == 1 || label < 0)
            if (once.empty() || once.back() != label) once.push_back(label);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    Walk walk;
    if (equation.explicit_result) {
        std::size_t rank = 0;
        for (const int label : all) rank += label < 0 ? 1 : 0;
        const bool dots = equation.result.find("...") != std::string::npos;
        rank = (dots ? rank : 0) + equation.result.size() - (dots ? 3 : 0);
        BUNCH_ASSIGN_OR_RETURN(walk.labels, labels_of(run, equation.result, rank));
    } else {
        walk.labels = once;
    }
    walk.kept = walk.labels.size();
    for (const int label : all)
        if (walk.find(label) == walk.labels.size()) walk.labels.push_back(label);
    if (walk.kept > kMaxRank || walk.labels.size() > 24)
        return run.unsupported("with so many dimensions");
    walk.extents.assign(walk.labels.size(), 1);
    for (std::size_t t = 0; t < terms.size(); ++t)
        for (std::size_t d = 0; d < terms[t].size(); ++d) {
            std::int64_t& extent = walk.extents[walk.find(terms[t][d])];
            const std::int64_t given = run.input(static_cast<std::int64_t>(t)).shape[d];
            if (extent != given && extent != 1 && given != 1) return run.misfit();
            if (extent == 1) extent = given;
        }
    return walk;
}

template <typename T>
void sum(const Run& run, const Walk& walk, const std::vector<std::vector<std::int64_t>>& strides,
         T* y) {
    const std::size_t rank = walk.labels.size(), terms = strides.size();
    std::vector<std::int64_t> index(rank, 0), at(terms, 0);
    const auto step = [&](std::size_t first, std::size_t past) {
        for (std::size_t i = past; i-- > first;) {
            for (std::size_t t = 0; t < terms; ++t) at[t] += strides[t][i];
            if (++index[i] < walk.extents[i]) return true;
            for (std::size_t t = 0; t < terms; ++t) at[t] -= strides[t][i] * walk.extents[i];
            index[i] = 0;
        }
        return false;
    };
    do {
        T total{};
        do {
            T product{1};
            for (std::size_t t = 0; t < terms; ++t)
                product *= data<T>(run.input(static_cast<std::int64_t>(t)))[at[t]];
            total += product;
        } while (step(walk.kept, rank));
        *y++ = total;
    } while (step(0, walk.kept));
}

/// Strides of each term, in elements, by label of a Walk; 0 where the term has not got it.
using Strides = std::vector<std::vector<std::int64_t>>;

/// Labels by what they are in y[batch,m,n] = sum over k of a[batch,m,k] * b[batch,n,k].
struct MatrixLabels {
    std::vector<std::size_t> batch, m, n, k;

    std::vector<std::size_t> together(const std::vector<std::size_t>& rows,
                                      const std::vector<std::size_t>& columns) const {
        std::vector<std::size_t> all = batch;
        all.insert(all.end(), rows.begin(), rows.end());
        all.insert(all.end(), columns.begin(), columns.end());
        return all;
    }
};

// Nothing if the sum is no such product: a label is summed over that stands in one term only.
std::optional<MatrixLabels> matrix_labels(const Walk& walk, const Strides& strides) {
    MatrixLabels labels;
    for (std::size_t i = 0; i < walk.labels.size(); ++i) {
        if (walk.extents[i] == 1) continue;
        const bool left = strides[0][i] != 0, right = strides[1][i] != 0, kept = i < walk.kept;
        if (!kept && !(left && right)) return std::nullopt;
        (!kept ? labels.k : left && right ? labels.batch : left ? labels.m : labels.n).push_back(i);
    }
    if (labels.together(labels.m, labels.n).size() > kMaxRank ||
        labels.together(labels.m, labels.k).size() > kMaxRank ||
        labels.together(labels.n, labels.k).size() > kMaxRank)
        return std::nullopt;
    return labels;
}

std::int64_t count_of(const Walk& walk, const std::vector<std::size_t>& labels) {
    std::int64_t count = 1;
    for (const std::size_t label : labels) count *= walk.extents[label];
    return count;
}

// Term `t` with its extents in the order of `labels`, in scratch memory.
Result<const float*> packed(Run& run, const Walk& walk, const Strides& strides, std::size_t t,
                            const std::vector<std::size_t>& labels) {
    Dims extents, steps;
    for (const std::size_t label : labels)
        extents.push(walk.extents[label]), steps.push(strides[t][label]);
    BUNCH_ASSIGN_OR_RETURN(
        std::byte * room,
        run.scratch(static_cast<std::uint64_t>(extents.product()) * sizeof(float)));
    const std::byte* from = run.input(static_cast<std::int64_t>(t)).bytes.data();
    copy_strided(DataType::f32, from, 0, extents, steps, room);
    return reinterpret_cast<const float*>(room);
}

Status sum_as_products(Run& run, const Walk& walk, const Strides& strides,
                       const MatrixLabels& labels, const Product& product, const TensorView& y) {
    BUNCH_ASSIGN_OR_RETURN(const float* a,
                           packed(run, walk, strides, 0, labels.together(labels.m, labels.k)));
    BUNCH_ASSIGN_OR_RETURN(const float* b,
                           packed(run, walk, strides, 1, labels.together(labels.n, labels.k)));
    const std::int64_t m = count_of(walk, labels.m), n = count_of(walk, labels.n),
                       k = count_of(walk, labels.k);
    BUNCH_ASSIGN_OR_RETURN(std::byte * room, run.scratch(y.bytes.size()));
    auto* made = reinterpret_cast<float*>(room);
    for (std::int64_t i = 0; i < count_of(walk, labels.batch); ++i)
        BUNCH_RETURN_IF_ERROR(
            product(run, a + i * m * k, b + i * n * k, made + i * m * n, m, n, k));
    // From [batch,m,n] to the order of the result.
    std::vector<std::int64_t> made_strides(walk.labels.size(), 0);
    std::int64_t stride = 1;
    const std::vector<std::size_t> order = labels.together(labels.m, labels.n);
    for (std::size_t i = order.size(); i-- > 0; stride *= walk.extents[order[i]])
        made_strides[order[i]] = stride;
    Dims extents, steps;
    for (std::size_t i = 0; i < walk.kept; ++i)
        extents.push(walk.extents[i]), steps.push(made_strides[i]);
    copy_strided(DataType::f32, room, 0, extents, steps, y.bytes.data());
    return ok_status();
}

Status einsum(Run& run, const Equation& equation, const Product& product) {
    std::vector<std::vector<int>> terms;
    for (std::int64_t t = 0; t < run.inputs(); ++t) {
        if (run.input(t).type != run.input(0).type) return run.misfit();
        BUNCH_ASSIGN_OR_RETURN(
            std::vector<int> labels,
            labels_of(run, equation.terms[static_cast<std::size_t>(t)], run.input(t).shape.rank()));
        terms.push_back(std::move(labels));
    }
    BUNCH_ASSIGN_OR_RETURN(const Walk walk, plan(run, equation, terms));
    double products = 1;
    for (const std::int64_t extent : walk.extents) products *= static_cast<double>(extent);
    if (products > 0x1p36) return run.unsupported("over more than 2^36 products");
    Dims shape;
    for (std::size_t i = 0; i < walk.kept; ++i) shape.push(walk.extents[i]);
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(0).type, shape.shape()));
    Strides strides;
    for (std::size_t t = 0; t < terms.size(); ++t) {
        const Dims extents(run.input(static_cast<std::int64_t>(t)).shape),
            given = extents.strides();
        auto& own = strides.emplace_back(walk.labels.size(), 0);
        for (std::size_t d = 0; d < terms[t].size(); ++d)
            if (const auto i = static_cast<std::int64_t>(d); extents[i] != 1)
                own[walk.find(terms[t][d])] += given[i];
    }
    std::fill(y.bytes.begin(), y.bytes.end(), std::byte{0});
    const bool empty = std::find(walk.extents.begin(), walk.extents.end(), 0) != walk.extents.end();
    if (empty) return ok_status();
    if (product != nullptr && terms.size() == 2 && y.type == DataType::f32)
        if (const auto labels = matrix_labels(walk, strides))
            return sum_as_products(run, walk, strides, *labels, product, y);
    return for_wide_numbers(run, y.type, [&](auto tag) {
        using T = decltype(tag);
        if constexpr (std::is_integral_v<T>)
            sum(run, walk, strides, reinterpret_cast<std::make_unsigned_t<T>*>(y.bytes.data()));
        else
            sum(run, walk, strides, data<T>(y));
        return ok_status();
    });
}

}  // namespace

Result<Kernel> make_einsum(Node& node, Product product) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(node.spec.inputs.size(), node.spec.inputs.size()));
    BUNCH_ASSIGN_OR_RETURN(const Equation equation,
                           parse(node, node.attributes.text("equation", "")));
    return Kernel([equation, product = std::move(product)](Run& run) {
        return einsum(run, equation, product);
    });
}

namespace {

Result<Kernel> make_plain(Node& node) {
    return make_einsum(node, nullptr);
}

constexpr Entry kEntries[] = {{"Einsum", make_plain}};

}  // namespace

std::span<const Entry> einsum_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
