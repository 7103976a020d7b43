#include "scheduler/cost_model.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace bunch {
namespace {

constexpr double kForgetting = 0.98;      // a sample counts half after 34 later ones
constexpr double kDeviationGain = 0.05;   // of the newest sample
constexpr double kCopyGain = 0.1;         // of the newest sample
constexpr double kOutlier = 4;            // times off the curve that a sample may count for
constexpr double kMinSizeSpread = 0.01;   // variance of rows over mean square that gives a slope
constexpr double kEfficiencyLoss = 0.03;  // of a batch of efficient_rows()
constexpr Duration kLongestRun = std::chrono::hours(1);

bool is_plausible(std::uint32_t rows, Duration time) {
    return rows > 0 && time > Duration::zero() && time <= kLongestRun;
}

std::uint32_t whole_rows(double rows, std::uint32_t limit) {
    if (!(rows >= 1)) return 0;
    return rows >= limit ? limit : static_cast<std::uint32_t>(rows);
}

void learn_per_row(double& estimate, std::uint32_t rows, Duration time) {
    if (!is_plausible(rows, time)) return;
    const double per_row = to_seconds(time) / rows;
    if (estimate == 0) estimate = per_row;
    estimate += kCopyGain * (std::min(per_row, kOutlier * estimate) - estimate);
}

}  // namespace

void CostCurve::learn_run(std::uint32_t rows, Duration compute) {
    if (!is_plausible(rows, compute)) return;
    double seconds = to_seconds(compute);
    if (known()) {
        const double expected = mean_seconds(rows);
        // A curve of one size says little of others, so only a sloped one calls outliers.
        if (sloped_) seconds = std::clamp(seconds, expected / kOutlier, expected * kOutlier);
        const double off = std::min(1.0, std::abs(seconds - expected) / expected);
        deviation_ += kDeviationGain * (off - deviation_);
    }
    // Relative errors count, so that large batches do not drown small ones.
    const double w = 1 / (seconds * seconds);
    const double x = rows;
    weight_ = weight_ * kForgetting + w;
    sum_x_ = sum_x_ * kForgetting + w * x;
    sum_xx_ = sum_xx_ * kForgetting + w * x * x;
    sum_y_ = sum_y_ * kForgetting + w * seconds;
    sum_xy_ = sum_xy_ * kForgetting + w * x * seconds;
    fit();
}

void CostCurve::fit() {
    const double x = sum_x_ / weight_;
    const double y = sum_y_ / weight_;
    const double square = sum_xx_ / weight_;
    const double variance = square - x * x;
    if (variance > kMinSizeSpread * square) {
        sloped_ = true;
        line_.per_row = (sum_xy_ / weight_ - x * y) / variance;
        line_.fixed = y - line_.per_row * x;
        if (line_.per_row < 0) line_ = {y, 0};
        if (line_.fixed < 0) line_ = {0, sum_xy_ / sum_xx_};
    } else if (sloped_) {
        // One size for a long time: the other sizes are forgotten, their proportion is kept.
        const double scale = y / (line_.fixed + line_.per_row * x);
        line_.fixed *= scale;
        line_.per_row *= scale;
    }
}

double CostCurve::mean_seconds(double rows) const {
    if (sloped_) return line_.fixed + line_.per_row * rows;
    // Only one size was seen: fewer rows may take as long, more may take proportionally longer.
    return sum_y_ / weight_ * std::max(1.0, rows * weight_ / sum_x_);
}

double CostCurve::margin() const {
    return 1 + std::min(0.5, 2 * deviation_);
}

Duration CostCurve::run(std::uint32_t rows) const {
    return known() ? from_seconds(mean_seconds(rows)) : Duration::zero();
}

Duration CostCurve::cautious_run(std::uint32_t rows) const {
    return known() ? from_seconds(mean_seconds(rows) * margin()) : Duration::zero();
}

void CostCurve::learn_gather(std::uint32_t rows, Duration gather) {
    learn_per_row(gather_per_row_, rows, gather);
}

void CostCurve::learn_transfer(std::uint32_t rows, Duration transfer) {
    learn_per_row(transfer_per_row_, rows, transfer);
}

Duration CostCurve::copy(std::uint32_t rows) const {
    return from_seconds(copy_per_row() * rows);
}

std::uint32_t CostCurve::rows_copied_within(Duration budget, std::uint32_t limit) const {
    return copy_per_row() > 0 ? whole_rows(to_seconds(budget) / copy_per_row(), limit) : limit;
}

std::uint32_t CostCurve::rows_within(Duration budget, bool with_copy, std::uint32_t limit) const {
    if (!known()) return limit;
    const double copy = with_copy ? copy_per_row() / margin() : 0;
    const double seconds = to_seconds(budget) / margin();
    if (sloped_) {
        const double per_row = line_.per_row + copy;
        if (per_row <= 0) return seconds >= line_.fixed ? limit : 0;
        return whole_rows((seconds - line_.fixed) / per_row, limit);
    }
    const double seen_rows = sum_x_ / weight_;
    const double seen_seconds = sum_y_ / weight_;
    if (seconds < seen_seconds + copy) return 0;
    const double proportional = seconds / (seen_seconds / seen_rows + copy);
    // Up to the size that was seen the run is taken to be as long as that one.
    const double flat = copy > 0 ? (seconds - seen_seconds) / copy : seen_rows;
    return whole_rows(std::max(proportional, std::min(flat, seen_rows)), limit);
}

std::uint32_t CostCurve::efficient_rows(std::uint32_t limit) const {
    if (!sloped_) return limit;
    if (line_.fixed <= 0) return 1;
    const double loss =
        (1 + kEfficiencyLoss) * line_.fixed / limit + kEfficiencyLoss * line_.per_row;
    return std::max(1u, whole_rows(std::ceil(line_.fixed / loss), limit));
}

void CostCurve::save(LearntCurve& into) const {
    into.fixed = line_.fixed;
    into.per_row = line_.per_row;
    into.deviation = deviation_;
    into.gather_per_row = gather_per_row_;
    into.transfer_per_row = transfer_per_row_;
}

void CostCurve::restore(const LearntCurve& from) {
    if (known() || !(from.fixed >= 0 && from.per_row >= 0 && from.fixed + from.per_row > 0)) return;
    for (const std::uint32_t rows : {1u, 64u})
        learn_run(rows, from_seconds(from.fixed + from.per_row * rows));
}

std::vector<LearntCurve> CostModel::learnt() const {
    std::vector<LearntCurve> all;
    for (const auto& [name, id] : classes_) {
        for (const auto& [key, curve] : curves_) {
            if (key.second != id || !curve.known()) continue;
            LearntCurve& one = all.emplace_back();
            one.model = key.first;
            one.device_class = name;
            curve.save(one);
        }
    }
    return all;
}

void CostModel::recall(const LearntCurve& from) {
    curve(from.model, class_named(from.device_class)).restore(from);
}

ClassId CostModel::class_named(std::string_view name) {
    if (const auto found = classes_.find(name); found != classes_.end()) return found->second;
    const ClassId id{static_cast<std::uint32_t>(classes_.size())};
    classes_.emplace(name, id);
    return id;
}

CostCurve& CostModel::curve(ModelId model, ClassId device_class) {
    return curves_[{model, device_class}];
}

const CostCurve* CostModel::find(ModelId model, std::string_view class_name) const {
    const auto named = classes_.find(class_name);
    if (named == classes_.end()) return nullptr;
    const auto found = curves_.find({model, named->second});
    return found == curves_.end() ? nullptr : &found->second;
}

}  // namespace bunch
