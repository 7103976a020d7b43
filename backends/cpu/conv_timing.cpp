#include "backends/cpu/conv_timing.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/cpu/execution.h"
#include "backends/cpu/planner.h"
#include "backends/cpu/winograd.h"
#include "backends/graph/split.h"
#include "core/time.h"

namespace bunch::cpu {
namespace {

constexpr int kRounds = 5;
// Blocked tensors have to be converted before and after, which is not seen here.
constexpr double kBlockedHandicap = 1.1;

/// Throws out of the caches what a run of the whole model throws out: of the last one too where its
/// weights do not fit there.
class CacheSweeper {
  public:
    explicit CacheSweeper(std::size_t weight_bytes) {
        const std::size_t last = cache_size(_SC_LEVEL3_CACHE_SIZE, std::size_t{32} << 20),
                          own = cache_size(_SC_LEVEL2_CACHE_SIZE, std::size_t{1} << 20);
        constexpr std::size_t kMost = std::size_t{256} << 20;
        bytes_.resize(std::min(kMost, weight_bytes > last / 2 ? last * 3 / 2 : own * 2));
    }
    void sweep() { std::memset(bytes_.data(), ++round_, bytes_.size()); }

  private:
    static std::size_t cache_size(int name, std::size_t fallback) {
        const long size = sysconf(name);
        return size > 0 ? static_cast<std::size_t>(size) : fallback;
    }

    std::vector<std::byte> bytes_;
    int round_ = 0;
};

std::size_t constant_bytes(const Graph& graph) {
    std::size_t total = 0;
    for (const Value& value : graph.values)
        if (value.constant) total += value.constant->buffer.size();
    return total;
}

/// One convolution computed in one way, ready to be timed.
class Candidate {
  public:
    static Result<Candidate> prepare(const Graph& graph, std::int64_t rows, const std::string& key,
                                     ConvAlgorithm algorithm);

    ConvAlgorithm algorithm() const { return algorithm_; }
    Duration best() const { return best_; }

    Status run(CacheSweeper& sweeper) {
        Execution execution(plan_, static_cast<std::byte*>(arena_->address()),
                            static_cast<std::byte*>(scratch_->address()));
        std::vector<Duration> times(plan_.steps.size());
        execution.record(&times);
        sweeper.sweep();
        const std::byte* input = input_.data();
        std::byte* output = output_.data();
        // The first step is a conversion, which warms the source up.
        BUNCH_RETURN_IF_ERROR(
            execution.run(static_cast<std::size_t>(plan_.rows), {&input, 1}, {&output, 1}));
        const std::size_t step = convolution_;
        best_ = std::min(best_, times[step]);
        return ok_status();
    }

  private:
    ConvAlgorithm algorithm_ = ConvAlgorithm::direct;
    Plan plan_;
    std::size_t convolution_ = 0;  ///< which step
    std::unique_ptr<Weights> arena_, scratch_;
    std::vector<std::byte> input_, output_;
    Duration best_ = Duration::max();
};

std::size_t bytes_of(const Graph& graph, ValueId id, std::int64_t rows) {
    const Value& value = graph.at(id);
    const Shape shape = value.carries_rows() ? value.shape.with_rows(rows) : value.shape;
    return static_cast<std::size_t>(byte_size(DataType::f32, shape).value_or(0));
}

Result<Candidate> Candidate::prepare(const Graph& graph, std::int64_t rows, const std::string& key,
                                     ConvAlgorithm algorithm) {
    Candidate candidate;
    candidate.algorithm_ = algorithm;
    const ConvChoices forced = {{key, algorithm}};
    PlannerOptions options;
    options.choices = &forced;
    WeightCache weights(dnnl::engine(dnnl::engine::kind::cpu, 0));
    BUNCH_ASSIGN_OR_RETURN(candidate.plan_, make_plan(graph, rows, weights, options));
    const std::string& label = graph.nodes.front().label;
    const auto& steps = candidate.plan_.steps;
    while (candidate.convolution_ + 1 < steps.size() &&
           description_of(steps[candidate.convolution_]).rfind(label, 0) != 0)
        ++candidate.convolution_;
    candidate.arena_ = std::make_unique<Weights>(candidate.plan_.arena_bytes);
    candidate.scratch_ = std::make_unique<Weights>(candidate.plan_.scratch_bytes);
    candidate.input_.resize(bytes_of(graph, graph.inputs[0], rows));
    candidate.output_.resize(bytes_of(graph, graph.outputs[0], rows));
    return candidate;
}

Result<ConvAlgorithm> fastest(const Graph& graph, std::int64_t rows, const std::string& key,
                              bool own, CacheSweeper& sweeper) {
    std::vector<Candidate> candidates;
    for (const ConvAlgorithm algorithm :
         {ConvAlgorithm::direct, ConvAlgorithm::onednn_winograd, ConvAlgorithm::own_winograd}) {
        if (algorithm == ConvAlgorithm::own_winograd && !own) continue;
        BUNCH_ASSIGN_OR_RETURN(Candidate candidate,
                               Candidate::prepare(graph, rows, key, algorithm));
        candidates.push_back(std::move(candidate));
    }
    for (int round = 0; round < kRounds; ++round)
        for (Candidate& candidate : candidates) BUNCH_RETURN_IF_ERROR(candidate.run(sweeper));
    const auto cost = [&](const Candidate& candidate) {
        const double seconds = to_seconds(candidate.best());
        const bool blocked = own && candidate.algorithm() == ConvAlgorithm::onednn_winograd;
        return blocked ? seconds * kBlockedHandicap : seconds;
    };
    return std::min_element(
               candidates.begin(), candidates.end(),
               [&](const Candidate& a, const Candidate& b) { return cost(a) < cost(b); })
        ->algorithm();
}

}  // namespace

Status time_convolutions(const Graph& graph, std::int64_t rows, ConvChoices& choices) {
    std::string label = "model";
    try {
        std::optional<CacheSweeper> sweeper;
        for (const Node& node : graph.nodes) {
            const Conv* conv = std::get_if<Conv>(&node.op);
            if (conv == nullptr || !suits_winograd(*conv)) continue;
            const std::string key = conv_key(graph, node, rows);
            if (choices.contains(key)) continue;
            label = node.label;
            // A residual costs the same in every way.
            Node bare = node;
            bare.residual.reset();
            const Graph alone = part_of(graph, {&bare, 1}, {node.inputs[0]}, {node.output});
            if (!sweeper) sweeper.emplace(constant_bytes(graph));
            const bool own = suits_own_winograd(graph, node);
            BUNCH_ASSIGN_OR_RETURN(choices[key], fastest(alone, rows, key, own, *sweeper));
        }
        return ok_status();
    } catch (const dnnl::error& error) {
        return internal_error(label + ": oneDNN cannot time it (" + error.what() + ")");
    } catch (const std::bad_alloc&) {
        return resource_exhausted(label + ": not enough memory to time it");
    }
}

}  // namespace bunch::cpu
