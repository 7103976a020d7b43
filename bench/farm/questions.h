/// What the workers ask and what the right answers are: every worker has questions of its own,
/// unlike those of all others, so that an answer that reaches the wrong worker is noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bench/farm/shared_memory.h"

namespace bunch::farm {

/// How many, and how large. All tensors are FP32.
struct QuestionSize {
    std::size_t workers = 1;
    std::size_t per_worker = 1;
    std::size_t input_floats = 0;   ///< of one question, over all its rows
    std::size_t output_floats = 0;  ///< of one answer
};

/// Of one answer.
struct Verdict {
    double deviation = 0;   ///< largest difference, divided by the largest expected number of all
    bool mismatch = false;  ///< deviates by more than the tolerance
    bool swapped = false;   ///< lies nearer to what another worker should get
};

/// Lives in shared memory: filled before the workers are forked, read by all of them.
class Questions {
  public:
    /// `tolerance` is relative, as Verdict::deviation.
    Questions(QuestionSize size, double tolerance);

    const QuestionSize& size() const { return size_; }
    std::size_t count() const { return size_.workers * size_.per_worker; }
    double tolerance() const { return tolerance_; }

    /// Question `index` of `worker`, as a number for the functions below.
    std::size_t number(std::size_t worker, std::size_t index) const {
        return worker * size_.per_worker + index % size_.per_worker;
    }
    std::span<float> input(std::size_t question) const;
    std::span<float> expected(std::size_t question) const;

    /// To be called once inputs and expected answers are filled in, before judge().
    void seal();

    /// The smallest distance between the answers of two workers, relative as a deviation. Where it
    /// is not well above the tolerance, `swapped` means little.
    double separation() const;

    /// Exact, yet fast for right answers: one that is nearer to its own expectation than half the
    /// way to any other cannot be swapped.
    Verdict judge(std::size_t question, std::span<const float> answer) const;

  private:
    double distance(std::span<const float> answer, std::size_t question) const;

    QuestionSize size_;
    double tolerance_;
    SharedArray<float> inputs_;
    SharedArray<float> expected_;
    double scale_ = 1;                   // largest number of all expected answers
    std::vector<double> nearest_other_;  // by question: distance to other workers' answers
};

}  // namespace bunch::farm
