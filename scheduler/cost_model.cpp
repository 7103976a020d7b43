#include "scheduler/cost_model.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

namespace bunch {
namespace {

constexpr double kForgetting = 0.98;      // a sample counts half after 34 later ones
constexpr double kDeviationGain = 0.05;   // of the newest sample
constexpr double kContentionGain = 0.1;   // of the newest sample
constexpr double kMostContention = 4;     // of one other lane
constexpr double kCopyGain = 0.1;         // of the newest sample
constexpr double kCorrectionGain = 0.05;  // of the newest sample
constexpr double kCorrectionMatters = 0.03;
constexpr double kShapeGain = 0.1;        // of the newest sample
constexpr double kMostShapeWork = 1000;   // of one shape's rows, in those of the first
constexpr double kUsualWorkGain = 0.02;   // of the newest run: as slowly as the line moves
constexpr double kOutlier = 4;            // times off the curve that a sample may count for
constexpr double kMinSizeSpread = 0.01;   // variance of rows over mean square that gives a slope
constexpr double kEfficiencyLoss = 0.03;  // of a batch of efficient_rows()
constexpr double kUpperQuantile = 0.9;    // of cautious_run()
constexpr double kSpreadGain = 0.2;       // of upper_factor, in deviations
constexpr double kMostUpperFactor = 2;
constexpr std::uint64_t kRunsBeforeCorrections = 32;
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

std::size_t bucket_of(std::uint32_t rows, std::size_t buckets) {
    return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(rows)) - 1, buckets - 1);
}

bool is_sense(double value, double most) {
    return value >= 0 && value <= most;  // false for NaN
}

}  // namespace

void CostCurve::learn_run(std::uint32_t rows, Duration compute, RunOn on) {
    ++tries_;
    if (!is_plausible(rows, compute)) return;
    double seconds = to_seconds(compute) / on.pace;
    double work = 1;
    if (ShapeWork* shape = entry_of(on.shape); shape != nullptr) {
        const double ratio = known() ? seconds / seconds_of(rows, on.others, 1) : 1;
        if (!learn_shape(*shape, rows, ratio)) return;
        work = shape->work;
    }
    usual_work_ += kUsualWorkGain * (work - usual_work_);
    seconds /= work;
    double expected = seconds;
    if (known()) {
        expected = seconds_of(rows, on.others, 1);
        // A curve of one size says little of others, so only a sloped one calls outliers.
        if (sloped_) seconds = std::clamp(seconds, expected / kOutlier, expected * kOutlier);
        const double off = std::min(1.0, std::abs(seconds - expected) / expected);
        deviation_ += kDeviationGain * (off - deviation_);
        learn_spread(seconds / expected);
        if (sloped_) learn_contention(seconds - expected, expected, rows, on.others);
        if (runs_ >= kRunsBeforeCorrections)
            learn_correction(rows, seconds / line_seconds(rows, on.others));
    }
    smallest_rows_ = runs_ == 0 ? rows : std::min(smallest_rows_, rows);
    largest_rows_ = std::max(largest_rows_, rows);
    ++runs_;
    // Relative errors count, so that large batches do not drown small ones: relative to what was
    // expected, since weights by what was seen would favour the quick runs of a noisy device.
    const double scale = sloped_ ? expected : seconds;
    const double w = 1 / (scale * scale);
    const double x = contended(rows, on.others);
    weight_ = weight_ * kForgetting + w;
    sum_x_ = sum_x_ * kForgetting + w * x;
    sum_xx_ = sum_xx_ * kForgetting + w * x * x;
    sum_y_ = sum_y_ * kForgetting + w * seconds;
    sum_xy_ = sum_xy_ * kForgetting + w * x * seconds;
    fit();
}

void CostCurve::learn_contention(double error, double expected, double rows, std::uint32_t others) {
    if (others == 0 || line_.per_row <= 0) return;
    // Normalised least mean squares: the step that would explain the error, times a gain, less
    // where contention is a small part of the run.
    const double part = line_.per_row * rows * others;
    const double step = error * part / (part * part + 0.1 * expected * expected);
    contention_ = std::clamp(contention_ + kContentionGain * step, 0.0, kMostContention);
}

/// Stochastic approximation of a quantile (Robbins and Monro 1951).
void CostCurve::learn_spread(double ratio) {
    const double step = kSpreadGain * deviation_;
    upper_factor_ += ratio > upper_factor_ ? step * kUpperQuantile : step * (kUpperQuantile - 1);
    upper_factor_ = std::clamp(upper_factor_, 1.0, kMostUpperFactor);
}

void CostCurve::learn_correction(std::uint32_t rows, double ratio) {
    double& correction = corrections_[bucket_of(rows, kBuckets)];
    correction += kCorrectionGain * (std::clamp(ratio, 0.5, 2.0) - correction);
    review_corrections();
}

/// A run took `ratio` times what the line says; whether that says anything of the line. The first
/// run of a shape counts as it is, but says nothing else. It may contain what the device prepared
/// for the shape, so the second counts as it is where it is shorter. Later ones move it slowly.
bool CostCurve::learn_shape(ShapeWork& shape, std::uint32_t rows, double ratio) {
    if (!known()) {
        shape.runs = kRunsThatSettle;  // the line is what its rows take
        return true;
    }
    const bool is_first = shape.runs == 0;
    if (!is_first && !is_known_size(rows)) return true;  // rather the line is off
    if (is_first || (shape.runs < kRunsThatSettle && ratio < shape.work)) {
        shape.work = ratio;
    } else {
        const double most = shape.work * kOutlier;
        const double least = shape.work / kOutlier;
        shape.work += kShapeGain * (std::clamp(ratio, least, most) - shape.work);
    }
    shape.work = std::clamp(shape.work, 1 / kMostShapeWork, kMostShapeWork);
    shape.runs = std::min(shape.runs + 1, kRunsThatSettle);
    return !is_first;
}

/// What is learnt of a shape; null for one that does not last.
CostCurve::ShapeWork* CostCurve::entry_of(ShapeClass shape) {
    if (!is_lasting(shape)) return nullptr;
    if (shape >= shapes_.size()) shapes_.resize(shape + 1);
    return &shapes_[shape];
}

void CostCurve::review_corrections() {
    is_straight_ = std::all_of(corrections_.begin(), corrections_.end(),
                               [](double one) { return std::abs(one - 1) <= kCorrectionMatters; });
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

void CostCurve::rescale(double factor) {
    line_.fixed *= factor;
    line_.per_row *= factor;
    sum_y_ *= factor;
    sum_xy_ *= factor;
}

double CostCurve::line_seconds(double rows, std::uint32_t others) const {
    const double x = contended(rows, others);
    if (sloped_) return line_.fixed + line_.per_row * x;
    // Only one size was seen: fewer rows may take as long, more may take proportionally longer.
    return sum_y_ / weight_ * std::max(1.0, x * weight_ / sum_x_);
}

double CostCurve::seconds_of(std::uint32_t rows, std::uint32_t others, double factor) const {
    const double straight = line_seconds(rows, others) * factor;
    return is_straight_ ? straight : straight * corrections_[bucket_of(rows, kBuckets)];
}

std::uint32_t CostCurve::trial_rows(std::uint32_t limit) const {
    if (is_tried()) return limit;
    return tries_ < kTrials / 2 ? 1 : std::max(1u, limit / 2);
}

Duration CostCurve::run(std::uint32_t rows, RunOn on) const {
    return known() ? from_seconds(mean_seconds(rows, on)) : Duration::zero();
}

Duration CostCurve::cautious_run(std::uint32_t rows, RunOn on) const {
    return known() ? from_seconds(mean_seconds(rows, on) * upper_factor_) : Duration::zero();
}

double CostCurve::rate(std::uint32_t rows, RunOn on) const {
    return known() ? rows / mean_seconds(rows, on) : 0;
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

std::uint32_t CostCurve::rows_on_line(double seconds, double copy, std::uint32_t limit,
                                      RunOn on) const {
    const double slower = 1 + contention_ * on.others;
    if (sloped_) {
        const double per_row = line_.per_row * slower + copy;
        if (per_row <= 0) return seconds >= line_.fixed ? limit : 0;
        return whole_rows((seconds - line_.fixed) / per_row, limit);
    }
    // One size was seen: fewer rows take no longer. More are tried, or their time would never be
    // known where the first ones were few.
    return seconds < sum_y_ / weight_ + copy ? 0 : limit;
}

std::uint32_t CostCurve::rows_within(Duration budget, bool with_copy, std::uint32_t limit,
                                     RunOn on) const {
    if (!known()) return limit;
    const double scale = upper_factor_ * factor(on);
    const double copy = with_copy ? copy_per_row() / scale : 0;
    const double seconds = to_seconds(budget) / scale;
    if (is_straight_) return rows_on_line(seconds, copy, limit, on);
    for (std::size_t bucket = bucket_of(limit, kBuckets) + 1; bucket-- > 0;) {
        const double correction = corrections_[bucket];
        const std::uint32_t rows = rows_on_line(seconds / correction, copy / correction, limit, on);
        if (rows >= (1u << bucket))
            return bucket + 1 < kBuckets ? std::min(rows, (2u << bucket) - 1) : rows;
    }
    return 0;
}

std::uint32_t CostCurve::efficient_rows(std::uint32_t limit, RunOn on) const {
    if (!sloped_) return limit;
    if (line_.fixed <= 0) return 1;
    const double per_row = line_.per_row * (1 + contention_ * on.others);
    const double loss = (1 + kEfficiencyLoss) * line_.fixed / limit + kEfficiencyLoss * per_row;
    return std::max(1u, whole_rows(std::ceil(line_.fixed / loss), limit));
}

void CostCurve::save(LearntCurve& into) const {
    into.fixed = sloped_ ? line_.fixed * usual_work_ : 0;
    into.per_row = (sloped_ ? line_.per_row : sum_y_ / sum_x_) * usual_work_;
    into.per_row_contended = into.per_row * contention_;
    into.upper_factor = upper_factor_;
    into.deviation = deviation_;
    into.gather_per_row = gather_per_row_;
    into.transfer_per_row = transfer_per_row_;
    into.smallest_rows = smallest_rows_;
    into.largest_rows = largest_rows_;
    into.corrections.assign(corrections_.begin(), corrections_.end());
}

void CostCurve::restore(const LearntCurve& from) {
    const double longest = to_seconds(kLongestRun);
    const bool is_sound =
        is_sense(from.fixed, longest) && is_sense(from.per_row, longest) &&
        from.fixed + from.per_row > 0 && is_sense(from.per_row_contended, longest) &&
        is_sense(from.upper_factor, kMostUpperFactor) && is_sense(from.deviation, 1) &&
        is_sense(from.gather_per_row, longest) && is_sense(from.transfer_per_row, longest) &&
        from.smallest_rows >= 1 && from.largest_rows >= from.smallest_rows;
    if (known() || !is_sound) return;
    // As if the smallest and the largest batch had been seen.
    for (const std::uint32_t rows : {from.smallest_rows, from.largest_rows})
        learn_run(rows, from_seconds(from.fixed + from.per_row * rows));
    runs_ = tries_ = kTrials;
    contention_ = from.per_row > 0
                      ? std::clamp(from.per_row_contended / from.per_row, 0.0, kMostContention)
                      : 0;
    upper_factor_ = std::max(1.0, from.upper_factor);
    deviation_ = from.deviation;
    gather_per_row_ = from.gather_per_row;
    transfer_per_row_ = from.transfer_per_row;
    for (std::size_t i = 0; i < std::min(from.corrections.size(), kBuckets); ++i)
        if (from.corrections[i] >= 0.5 && from.corrections[i] <= 2)
            corrections_[i] = from.corrections[i];
    review_corrections();
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

void CostModel::rescale(ClassId device_class, double factor) {
    for (auto& [key, curve] : curves_)
        if (key.second == device_class) curve.rescale(factor);
}

CostCurve& CostModel::curve(ModelId model, ClassId device_class) {
    return curves_[{model, device_class}];
}

const CostCurve& CostModel::curve_at(ModelId model, ClassId device_class) const {
    static const CostCurve kUnknown;
    const auto found = curves_.find({model, device_class});
    return found == curves_.end() ? kUnknown : found->second;
}

const CostCurve* CostModel::find(ModelId model, std::string_view class_name) const {
    const auto named = classes_.find(class_name);
    if (named == classes_.end()) return nullptr;
    const auto found = curves_.find({model, named->second});
    return found == curves_.end() ? nullptr : &found->second;
}

}  // namespace bunch
