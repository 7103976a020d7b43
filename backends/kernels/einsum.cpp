// Einsum: sums of products over named extents.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

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

Status einsum(Run& run, const Equation& equation) {
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
    std::vector<std::vector<std::int64_t>> strides;
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
    return for_wide_numbers(run, y.type, [&](auto tag) {
        using T = decltype(tag);
        if constexpr (std::is_integral_v<T>)
            sum(run, walk, strides, reinterpret_cast<std::make_unsigned_t<T>*>(y.bytes.data()));
        else
            sum(run, walk, strides, data<T>(y));
        return ok_status();
    });
}

Result<Kernel> make_einsum(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(node.spec.inputs.size(), node.spec.inputs.size()));
    BUNCH_ASSIGN_OR_RETURN(const Equation equation,
                           parse(node, node.attributes.text("equation", "")));
    return Kernel([equation](Run& run) { return einsum(run, equation); });
}

constexpr Entry kEntries[] = {{"Einsum", make_einsum}};

}  // namespace

std::span<const Entry> einsum_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
