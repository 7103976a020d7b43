#include "bench/farm/questions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.h"

namespace bunch::farm {

Questions::Questions(QuestionSize size, double tolerance)
    : size_(size),
      tolerance_(tolerance),
      inputs_(size.workers * size.per_worker * size.input_floats),
      expected_(size.workers * size.per_worker * size.output_floats) {}

std::span<float> Questions::input(std::size_t question) const {
    return inputs_.all().subspan(question * size_.input_floats, size_.input_floats);
}

std::span<float> Questions::expected(std::size_t question) const {
    return expected_.all().subspan(question * size_.output_floats, size_.output_floats);
}

void Questions::seal() {
    scale_ = 0;
    for (const float value : expected_.all()) scale_ = std::max(scale_, std::abs(double{value}));
    if (scale_ == 0) scale_ = 1;
    nearest_other_.assign(count(), std::numeric_limits<double>::infinity());
    for (std::size_t a = 0; a < count(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            if (a / size_.per_worker == b / size_.per_worker) continue;
            const double apart = distance(expected(a), b);
            nearest_other_[a] = std::min(nearest_other_[a], apart);
            nearest_other_[b] = std::min(nearest_other_[b], apart);
        }
    }
}

double Questions::separation() const {
    BUNCH_CHECK(!nearest_other_.empty());
    return *std::min_element(nearest_other_.begin(), nearest_other_.end()) / scale_;
}

Verdict Questions::judge(std::size_t question, std::span<const float> answer) const {
    const double own = distance(answer, question);
    Verdict verdict = {own / scale_, own / scale_ > tolerance_, false};
    if (own < nearest_other_[question] / 2) return verdict;
    for (std::size_t other = 0; other < count() && !verdict.swapped; ++other) {
        if (other / size_.per_worker == question / size_.per_worker) continue;
        verdict.swapped = distance(answer, other) < own;
    }
    return verdict;
}

double Questions::distance(std::span<const float> answer, std::size_t question) const {
    const std::span<const float> right = expected(question);
    if (answer.size() != right.size()) return std::numeric_limits<double>::infinity();
    float largest = 0;
    bool comparable = true;
    for (std::size_t i = 0; i < right.size(); ++i) {
        const float difference = std::abs(answer[i] - right[i]);
        comparable = comparable && difference == difference;  // not with a NaN
        largest = std::max(largest, difference);
    }
    return comparable ? double{largest} : std::numeric_limits<double>::infinity();
}

}  // namespace bunch::farm
