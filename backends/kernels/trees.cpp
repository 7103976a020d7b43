#include "backends/kernels/trees.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace bunch::kernels {
namespace {

struct Lists {
    Integers trees, ids, features, yes, no, missing;
    Floats values;
    Texts modes;
};

Result<Lists> lists_of(Node& node) {
    Attributes& given = node.attributes;
    Lists lists{
        given.integers("nodes_treeids"),      given.integers("nodes_nodeids"),
        given.integers("nodes_featureids"),   given.integers("nodes_truenodeids"),
        given.integers("nodes_falsenodeids"), given.integers("nodes_missing_value_tracks_true"),
        given.numbers("nodes_values"),        given.texts("nodes_modes")};
    given.ignore("nodes_hitrates");
    const std::size_t n = lists.ids.size();
    if (n == 0 || lists.trees.size() != n || lists.features.size() != n || lists.yes.size() != n ||
        lists.no.size() != n || lists.values.size() != n || lists.modes.size() != n ||
        (!lists.missing.empty() && lists.missing.size() != n))
        return node.wrong("has lists of nodes of different lengths");
    return lists;
}

}  // namespace

Result<std::int32_t> TreeEnsemble::index_of(const Node& node, std::int64_t tree,
                                            std::int64_t id) const {
    const auto found = std::lower_bound(names_.begin(), names_.end(), std::pair(tree, id));
    if (found == names_.end() || *found != std::pair(tree, id))
        return node.wrong("names node " + std::to_string(id) + " of tree " + std::to_string(tree) +
                          ", which does not exist");
    return static_cast<std::int32_t>(found - names_.begin());
}

Status TreeEnsemble::link(Node& node) {
    BUNCH_ASSIGN_OR_RETURN(const Lists lists, lists_of(node));
    const std::size_t n = lists.ids.size();
    if (n > (std::size_t{1} << 30)) return node.wrong("has too many nodes");
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(lists.trees[a], lists.ids[a]) < std::pair(lists.trees[b], lists.ids[b]);
    });
    for (const std::size_t i : order) names_.emplace_back(lists.trees[i], lists.ids[i]);
    if (std::adjacent_find(names_.begin(), names_.end()) != names_.end())
        return node.wrong("has a node twice");
    std::vector<bool> child(n, false);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t from = order[i];
        const std::string& mode = lists.modes[from];
        const auto self = static_cast<std::int32_t>(i);
        threshold_.push_back(lists.values[from]);
        missing_yes_.push_back(!lists.missing.empty() && lists.missing[from] != 0 ? 1 : 0);
        if (mode == "LEAF") {
            feature_.push_back(0), yes_.push_back(self), no_.push_back(self),
                test_.push_back(Test::less_equal);
            leaf_.push_back(static_cast<std::int32_t>(leaves_.size()));
            leaves_.emplace_back();
            continue;
        }
        constexpr std::array<std::string_view, 6> kModes = {
            "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
        const auto* known = std::find(kModes.begin(), kModes.end(), mode);
        if (known == kModes.end()) return node.unsupported("with mode '" + mode + "'");
        const std::int64_t feature = lists.features[from];
        if (feature < 0 || feature > (std::int64_t{1} << 30))
            return node.wrong("has feature " + std::to_string(feature));
        BUNCH_ASSIGN_OR_RETURN(const std::int32_t yes,
                               index_of(node, lists.trees[from], lists.yes[from]));
        BUNCH_ASSIGN_OR_RETURN(const std::int32_t no,
                               index_of(node, lists.trees[from], lists.no[from]));
        feature_.push_back(static_cast<std::int32_t>(feature)), yes_.push_back(yes),
            no_.push_back(no), leaf_.push_back(-1);
        test_.push_back(static_cast<Test>(known - kModes.begin()));
        plain_ = plain_ && test_.back() == Test::less_equal && missing_yes_.back() == 0;
        least_features_ = std::max(least_features_, feature + 1);
        for (const std::int32_t to : {yes, no}) {
            if (child[static_cast<std::size_t>(to)])
                return node.wrong("has a node with two parents");
            child[static_cast<std::size_t>(to)] = true;
        }
    }
    // The root of a tree is the one node of it that no other leads to.
    for (std::size_t i = 0; i < n; ++i) {
        if (child[i]) continue;
        if (!roots_.empty() &&
            names_[static_cast<std::size_t>(roots_.back())].first == names_[i].first)
            return node.wrong("has a tree with two roots");
        roots_.push_back(static_cast<std::int32_t>(i));
    }
    return check_depth(node);
}

// Every node has one parent at most, so what hangs below a root is a tree; a cycle hangs nowhere.
Status TreeEnsemble::check_depth(const Node& node) {
    std::size_t seen = 0;
    for (const std::int32_t root : roots_) {
        std::vector<std::pair<std::int32_t, std::int32_t>> open = {{root, 0}};
        std::int32_t deepest = 0;
        while (!open.empty()) {
            const auto [at, depth] = open.back();
            open.pop_back();
            ++seen;
            deepest = std::max(deepest, depth);
            const auto i = static_cast<std::size_t>(at);
            if (leaf_[i] >= 0) continue;
            open.emplace_back(yes_[i], depth + 1);
            open.emplace_back(no_[i], depth + 1);
        }
        depth_.push_back(deepest);
    }
    return seen == names_.size() ? ok_status() : node.wrong("has nodes in a cycle");
}

Result<TreeEnsemble> TreeEnsemble::read(Node& node, std::string_view prefix) {
    TreeEnsemble ensemble;
    BUNCH_RETURN_IF_ERROR(ensemble.link(node));
    if (ensemble.plain_) ensemble.pack_plain();
    const std::string p(prefix);
    const Integers trees = node.attributes.integers(p + "_treeids"),
                   ids = node.attributes.integers(p + "_nodeids"),
                   targets = node.attributes.integers(p + "_ids");
    const Floats weights = node.attributes.numbers(p + "_weights");
    const std::size_t n = ids.size();
    if (trees.size() != n || targets.size() != n || weights.size() != n)
        return node.wrong("has lists of weights of different lengths");
    std::vector<std::pair<std::int32_t, std::size_t>> by_leaf;
    for (std::size_t i = 0; i < n; ++i) {
        BUNCH_ASSIGN_OR_RETURN(const std::int32_t at, ensemble.index_of(node, trees[i], ids[i]));
        const std::int32_t leaf = ensemble.leaf_[static_cast<std::size_t>(at)];
        if (leaf < 0) return node.wrong("has a weight at a node that is no leaf");
        if (targets[i] < 0 || targets[i] > (1 << 20))
            return node.wrong("has target " + std::to_string(targets[i]));
        by_leaf.emplace_back(leaf, i);
    }
    std::stable_sort(by_leaf.begin(), by_leaf.end());
    for (const auto& [leaf, i] : by_leaf) {
        Leaf& entry = ensemble.leaves_[static_cast<std::size_t>(leaf)];
        if (entry.count++ == 0) entry.first = static_cast<std::int32_t>(ensemble.weights_.size());
        ensemble.weights_.push_back({static_cast<std::int32_t>(targets[i]), weights[i]});
        ensemble.least_targets_ = std::max(ensemble.least_targets_, targets[i] + 1);
    }
    return ensemble;
}

void TreeEnsemble::pack_plain() {
    for (std::size_t i = 0; i < threshold_.size(); ++i)
        plain_nodes_.push_back({threshold_[i], feature_[i], {yes_[i], no_[i]}});
}

std::int32_t TreeEnsemble::next(std::int32_t at, const float* row) const {
    const auto i = static_cast<std::size_t>(at);
    const float x = row[feature_[i]], t = threshold_[i];
    if (std::isnan(x)) return missing_yes_[i] != 0 ? yes_[i] : no_[i];
    switch (test_[i]) {
        case Test::less_equal:
            return x <= t ? yes_[i] : no_[i];
        case Test::less:
            return x < t ? yes_[i] : no_[i];
        case Test::greater_equal:
            return x >= t ? yes_[i] : no_[i];
        case Test::greater:
            return x > t ? yes_[i] : no_[i];
        case Test::equal:
            return x == t ? yes_[i] : no_[i];
        case Test::not_equal:
            return x != t ? yes_[i] : no_[i];
    }
    return no_[i];
}

// kTogether walks at once, so that the loads of one hide behind those of the others. A side is
// looked up, not jumped to, since nobody can foresee it; who has arrived stays where he is.
void TreeEnsemble::walk_plain(std::array<std::int32_t, kTogether>& at,
                              const std::array<const float*, kTogether>& rows,
                              std::int32_t depth) const {
    const PlainNode* nodes = plain_nodes_.data();
    for (; depth > 0; --depth)
        for (std::size_t i = 0; i < kTogether; ++i) {
            const PlainNode& node = nodes[at[i]];
            at[i] = node.next[rows[i][node.feature] <= node.threshold ? 0 : 1];
        }
}

void TreeEnsemble::walk(std::array<std::int32_t, kTogether>& at,
                        const std::array<const float*, kTogether>& rows, std::int32_t depth) const {
    if (plain_) return walk_plain(at, rows, depth);
    for (; depth > 0; --depth)
        for (std::size_t i = 0; i < kTogether; ++i) at[i] = next(at[i], rows[i]);
}

// Many rows walk one tree; of few rows each walks many trees.
template <typename F>
void TreeEnsemble::for_each_leaf(const float* x, std::int64_t rows, std::int64_t features,
                                 F on_leaf) const {
    constexpr auto kStep = static_cast<std::int64_t>(kTogether);
    std::array<std::int32_t, kTogether> at;
    std::array<const float*, kTogether> from;
    const auto arrive = [&](std::int64_t row, std::size_t i) {
        const Leaf& leaf =
            leaves_[static_cast<std::size_t>(leaf_[static_cast<std::size_t>(at[i])])];
        for (std::int32_t w = leaf.first; w < leaf.first + leaf.count; ++w)
            on_leaf(row, weights_[static_cast<std::size_t>(w)]);
    };
    std::int64_t first = 0;
    for (; first + kStep <= rows; first += kStep) {
        for (std::size_t i = 0; i < kTogether; ++i)
            from[i] = x + (first + static_cast<std::int64_t>(i)) * features;
        for (std::size_t t = 0; t < roots_.size(); ++t) {
            at.fill(roots_[t]);
            walk(at, from, depth_[t]);
            for (std::size_t i = 0; i < kTogether; ++i)
                arrive(first + static_cast<std::int64_t>(i), i);
        }
    }
    for (; first < rows; ++first) {
        from.fill(x + first * features);
        for (std::size_t t = 0; t < roots_.size(); t += kTogether) {
            const std::size_t trees = std::min(kTogether, roots_.size() - t);
            at.fill(roots_[t]);
            std::copy_n(roots_.begin() + static_cast<std::ptrdiff_t>(t), trees, at.begin());
            const auto depths = depth_.begin() + static_cast<std::ptrdiff_t>(t);
            walk(at, from, *std::max_element(depths, depths + static_cast<std::ptrdiff_t>(trees)));
            for (std::size_t i = 0; i < trees; ++i) arrive(first, i);
        }
    }
}

void TreeEnsemble::add(const float* x, std::int64_t rows, std::int64_t features,
                       std::int64_t targets, double* sums) const {
    for_each_leaf(x, rows, features, [&](std::int64_t row, const Weight& w) {
        sums[row * targets + w.target] += static_cast<double>(w.weight);
    });
}

void TreeEnsemble::extreme(const float* x, std::int64_t rows, std::int64_t features,
                           std::int64_t targets, bool largest, double* sums) const {
    std::fill_n(sums, rows * targets, std::numeric_limits<double>::quiet_NaN());
    for_each_leaf(x, rows, features, [&](std::int64_t row, const Weight& w) {
        double& sum = sums[row * targets + w.target];
        const auto v = static_cast<double>(w.weight);
        if (std::isnan(sum) || (largest ? v > sum : v < sum)) sum = v;
    });
    std::replace_if(
        sums, sums + rows * targets, [](double v) { return std::isnan(v); }, 0.0);
}

}  // namespace bunch::kernels
