/// Ensembles of decision trees, flattened for evaluation: many rows walk each tree in step, so that
/// the loads of one row hide behind those of the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/kernels/node_spec.h"
#include "core/result.h"

namespace bunch::kernels {

/// Immutable; any thread.
class TreeEnsemble {
  public:
    /// From the attributes nodes_* and `prefix`_ids, `prefix`_weights and so on. Every index is
    /// checked; a tree that has a cycle is refused.
    static Result<TreeEnsemble> read(Node& node, std::string_view prefix);

    /// Adds each tree's leaf weights to sums[rows, targets], from x[rows, features]. `features`
    /// must be at least least_features().
    void add(const float* x, std::int64_t rows, std::int64_t features, std::int64_t targets,
             double* sums) const;

    /// The same by taking the least and largest weight per target; starts from the first tree.
    void extreme(const float* x, std::int64_t rows, std::int64_t features, std::int64_t targets,
                 bool largest, double* sums) const;

    std::int64_t least_features() const { return least_features_; }
    std::int64_t trees() const { return static_cast<std::int64_t>(roots_.size()); }
    /// One more than the largest target of any leaf.
    std::int64_t least_targets() const { return least_targets_; }

  private:
    enum class Test : std::uint8_t { less_equal, less, greater_equal, greater, equal, not_equal };

    /// What a step of a plain tree needs, in one place.
    struct PlainNode {
        float threshold;
        std::int32_t feature;
        std::int32_t next[2];  ///< if x <= threshold, and if not
    };
    struct Leaf {
        std::int32_t first = 0, count = 0;  ///< in weights_
    };
    struct Weight {
        std::int32_t target = 0;
        float weight = 0;
    };

    Result<std::int32_t> index_of(const Node& node, std::int64_t tree, std::int64_t id) const;
    Status link(Node& node);
    Status check_depth(const Node& node);
    static constexpr std::size_t kTogether = 16;  ///< walks that go on side by side

    template <typename F>
    void for_each_leaf(const float* x, std::int64_t rows, std::int64_t features, F on_leaf) const;
    /// Takes `depth` steps: each of `at` down its tree with the features at the same place of
    /// `rows`.
    void walk(std::array<std::int32_t, kTogether>& at,
              const std::array<const float*, kTogether>& rows, std::int32_t depth) const;
    void walk_plain(std::array<std::int32_t, kTogether>& at,
                    const std::array<const float*, kTogether>& rows, std::int32_t depth) const;
    std::int32_t next(std::int32_t at, const float* row) const;
    void pack_plain();

    // One entry per node; a leaf points to itself on both sides.
    std::vector<std::int32_t> feature_, yes_, no_, leaf_;
    std::vector<float> threshold_;
    std::vector<Test> test_;
    std::vector<std::uint8_t> missing_yes_;
    std::vector<PlainNode> plain_nodes_;
    std::vector<std::int32_t> roots_, depth_;
    std::vector<Leaf> leaves_;
    std::vector<Weight> weights_;
    std::vector<std::pair<std::int64_t, std::int64_t>> names_;  ///< (tree, id) by node, sorted
    bool plain_ = true;  ///< every test is less_equal, and no missing value is followed
    std::int64_t least_features_ = 1, least_targets_ = 1;
};

}  // namespace bunch::kernels
