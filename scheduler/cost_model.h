/// How long batches take, learnt from reports: per model and device class the compute time as a
/// straight line over rows, corrected where it is not straight, and gather and transfer per row.
/// Not here: when a lane is free (pool.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/call.h"
#include "core/ids.h"
#include "core/time.h"
#include "scheduler/events.h"

namespace bunch {

/// Devices of one class run a model equally fast. Numbers are given out by CostModel.
using ClassId = Id<struct ClassTag, std::uint32_t>;

/// How a batch runs: beside how many other busy lanes of its device, at which pace of the device
/// (2: all its runs take twice as long as those of its class), and what shape its rows have.
struct RunOn {
    std::uint32_t others = 0;
    double pace = 1;
    ShapeClass shape = 0;  ///< counts if it is one that lasts; 0: whatever is usual
};

/// What one model costs on one device class: l(b, o) = fixed + per_row · b · (1 + contention · o)
/// for b rows beside o other busy lanes, times a correction per power of two of b, times what rows
/// of the batch's shape take compared with those of the first one; where no shape is named, or one
/// that has not run, what the rows of late took on average.
class CostCurve {
  public:
    /// One batch took this long to compute. Nonsense (no rows, no or more than an hour of time) is
    /// ignored, and what is far off the curve counts only as moderately off.
    void learn_run(std::uint32_t rows, Duration compute, RunOn on = {});

    /// Gather, or transfer, of one batch took this long. Nonsense is ignored. A transfer that may
    /// contain waiting for the batch before it is not for learning.
    void learn_gather(std::uint32_t rows, Duration gather);
    void learn_transfer(std::uint32_t rows, Duration transfer);

    /// All runs take so many times what they took.
    void rescale(double factor);

    /// Fills in all of `into` but model and class.
    void save(LearntCurve& into) const;

    /// Begins as `from` says, if nothing has been learnt yet and it makes sense.
    void restore(const LearntCurve& from);

    /// Whether any run has been learnt; the functions below return zero before.
    bool known() const { return runs_ > 0; }

    /// Runs that were learnt in this life.
    std::uint64_t runs() const { return runs_; }

    /// How many rows the next batch should have at most, so that the curve is soon known: three of
    /// 1, three of half the limit, then `limit`.
    std::uint32_t trial_rows(std::uint32_t limit) const;

    /// Whether batches of different sizes were seen, so that other sizes can be foretold.
    bool is_sloped() const { return sloped_; }

    /// Whether enough batches were seen for trial_rows() to be over.
    bool is_tried() const { return tries_ >= kTrials; }

    /// Expected compute time.
    Duration run(std::uint32_t rows, RunOn on = {}) const;

    /// What nine of ten runs do not exceed.
    Duration cautious_run(std::uint32_t rows, RunOn on = {}) const;

    double upper_factor() const { return upper_factor_; }

    /// By how much runs usually differ from run(), as a part of it.
    double deviation() const { return deviation_; }

    /// The part of a run that does not depend on rows.
    Duration fixed(ShapeClass shape = 0) const {
        return from_seconds(line_.fixed * work_of(shape));
    }

    /// Whether a batch of the shape has run, so that its run time can be foretold.
    bool has_run(ShapeClass shape) const { return known() && runs_of(shape) > 0; }

    /// The shape, or 0 (whatever is usual) as long as it ran once at most: that run may have been
    /// so long for what the device prepared for it, so no call is given up for it.
    ShapeClass settled(ShapeClass shape) const {
        return runs_of(shape) < kRunsThatSettle ? 0 : shape;
    }

    /// Rows per second in batches of that many.
    double rate(std::uint32_t rows, RunOn on = {}) const;

    /// Expected gather and transfer time; zero until learnt.
    Duration copy(std::uint32_t rows) const;

    /// The most rows that can be copied in `budget`; `limit` until learnt.
    std::uint32_t rows_copied_within(Duration budget, std::uint32_t limit) const;

    /// The most rows whose cautious run, and copy if `with_copy`, takes at most `budget`; at most
    /// `limit`. 0 if not even one row does. `limit` as long as nothing is known.
    std::uint32_t rows_within(Duration budget, bool with_copy, std::uint32_t limit,
                              RunOn on = {}) const;

    /// The fewest rows that use the device nearly (to 3 %) as well as `limit` rows do.
    std::uint32_t efficient_rows(std::uint32_t limit, RunOn on = {}) const;

  private:
    static constexpr std::uint64_t kTrials = 6;
    static constexpr std::uint32_t kRunsThatSettle = 2;  ///< a shape
    static constexpr std::size_t kBuckets = 17;          ///< of rows, by powers of two

    struct Line {
        double fixed = 0;    ///< seconds
        double per_row = 0;  ///< seconds
    };

    /// What the rows of one shape take.
    struct ShapeWork {
        double work = 1;         ///< times what the line says
        std::uint32_t runs = 0;  ///< learnt; counted to kRunsThatSettle
    };

    static constexpr std::array<double, kBuckets> no_corrections() {
        std::array<double, kBuckets> ones{};
        ones.fill(1);
        return ones;
    }
    double line_seconds(double rows, std::uint32_t others) const;
    double seconds_of(std::uint32_t rows, std::uint32_t others, double factor) const;
    double mean_seconds(std::uint32_t rows, RunOn on) const {
        return seconds_of(rows, on.others, factor(on));
    }
    bool is_known_size(std::uint32_t rows) const {
        return sloped_ || (rows >= smallest_rows_ && rows <= largest_rows_);
    }
    std::uint32_t rows_on_line(double seconds, double copy, std::uint32_t limit, RunOn on) const;
    double contended(double rows, std::uint32_t others) const {
        return rows * (1 + contention_ * others);
    }
    double copy_per_row() const { return gather_per_row_ + transfer_per_row_; }
    void learn_contention(double error, double expected, double rows, std::uint32_t others);
    void learn_spread(double ratio);
    void learn_correction(std::uint32_t rows, double ratio);
    bool learn_shape(ShapeWork& shape, std::uint32_t rows, double ratio);
    ShapeWork* entry_of(ShapeClass shape);
    double factor(RunOn on) const { return on.pace * work_of(on.shape); }
    double work_of(ShapeClass shape) const {
        const bool has_run = shape < shapes_.size() && shapes_[shape].runs > 0;
        return has_run ? shapes_[shape].work : usual_work_;
    }
    std::uint32_t runs_of(ShapeClass shape) const {
        if (!is_lasting(shape)) return kRunsThatSettle;
        return shape < shapes_.size() ? shapes_[shape].runs : 0;
    }
    static bool is_lasting(ShapeClass shape) { return shape != 0 && shape <= kLastingClasses; }
    void review_corrections();
    void fit();

    // Sums over samples (contended rows x, seconds y), each weighed by 1/y² and by its age.
    double weight_ = 0;
    double sum_x_ = 0;
    double sum_xx_ = 0;
    double sum_y_ = 0;
    double sum_xy_ = 0;
    Line line_;
    bool sloped_ = false;  ///< batches of different sizes were seen, so line_ means something
    double contention_ = 0;
    double deviation_ = 0.05;      ///< usual |y - mean| / mean
    double upper_factor_ = 1.1;    ///< nine of ten runs are below mean times this
    double gather_per_row_ = 0;    ///< seconds; 0: not learnt
    double transfer_per_row_ = 0;  ///< seconds; 0: not learnt
    std::array<double, kBuckets> corrections_ = no_corrections();
    bool is_straight_ = true;        ///< no correction matters
    std::vector<ShapeWork> shapes_;  ///< index is ShapeClass; as far as shapes were seen
    double usual_work_ = 1;          ///< average of the runs of late
    std::uint64_t runs_ = 0;
    std::uint64_t tries_ = 0;  ///< runs, those of nonsense times included
    std::uint32_t smallest_rows_ = 0;
    std::uint32_t largest_rows_ = 0;
};

/// The curves of all models on all device classes. They outlive devices.
class CostModel {
  public:
    /// The number of the class of that name, a new one if need be. Numbers count up from 0.
    ClassId class_named(std::string_view name);

    /// The curve of a model on a class, made if need be. The address stays valid.
    CostCurve& curve(ModelId model, ClassId device_class);

    /// All models' runs on the class take so many times what they took.
    void rescale(ClassId device_class, double factor);

    const CostCurve& curve_at(ModelId model, ClassId device_class) const;

    std::vector<LearntCurve> learnt() const;
    void recall(const LearntCurve& curve);

    /// The curve if there is one, else null.
    const CostCurve* find(ModelId model, std::string_view class_name) const;

  private:
    std::map<std::string, ClassId, std::less<>> classes_;
    std::map<std::pair<ModelId, ClassId>, CostCurve> curves_;
};

}  // namespace bunch
