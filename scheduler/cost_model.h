/// How long batches take, learnt from reports: per model and device class the compute time as a
/// straight line over rows, and gather and transfer per row. Not here: when a lane is free
/// (pool.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/time.h"
#include "scheduler/events.h"

namespace bunch {

/// Devices of one class run a model equally fast. Numbers are given out by CostModel.
using ClassId = Id<struct ClassTag, std::uint32_t>;

/// What one model costs on one device class.
class CostCurve {
  public:
    /// One batch took this long to compute. Nonsense (no rows, no or more than an hour of time) is
    /// ignored, and what is far off the curve counts only as moderately off.
    void learn_run(std::uint32_t rows, Duration compute);

    /// Gather, or transfer, of one batch took this long. Nonsense is ignored. A transfer that may
    /// contain waiting for the batch before it is not for learning.
    void learn_gather(std::uint32_t rows, Duration gather);
    void learn_transfer(std::uint32_t rows, Duration transfer);

    /// Fills in the times of `into`.
    void save(LearntCurve& into) const;

    /// Begins as `from` says, if nothing has been learnt yet.
    void restore(const LearntCurve& from);

    /// Whether any run has been learnt; the functions below return zero before.
    bool known() const { return weight_ > 0; }

    /// Expected compute time.
    Duration run(std::uint32_t rows) const;

    /// As run(), with a margin for its usual deviation.
    Duration cautious_run(std::uint32_t rows) const;

    /// By how much runs usually differ from run(), as a part of it.
    double deviation() const { return deviation_; }

    /// Expected gather and transfer time; zero until learnt.
    Duration copy(std::uint32_t rows) const;

    /// The most rows that can be copied in `budget`; `limit` until learnt.
    std::uint32_t rows_copied_within(Duration budget, std::uint32_t limit) const;

    /// The most rows whose cautious run, and copy if `with_copy`, takes at most `budget`; at most
    /// `limit`. 0 if not even one row does. `limit` as long as nothing is known.
    std::uint32_t rows_within(Duration budget, bool with_copy, std::uint32_t limit) const;

    /// The fewest rows that use the device nearly (to 3 %) as well as `limit` rows do.
    std::uint32_t efficient_rows(std::uint32_t limit) const;

  private:
    struct Line {
        double fixed = 0;    ///< seconds
        double per_row = 0;  ///< seconds
    };

    double mean_seconds(double rows) const;
    double margin() const;
    double copy_per_row() const { return gather_per_row_ + transfer_per_row_; }
    void fit();

    // Sums over samples (rows x, seconds y), each weighed by 1/y² and by its age.
    double weight_ = 0;
    double sum_x_ = 0;
    double sum_xx_ = 0;
    double sum_y_ = 0;
    double sum_xy_ = 0;
    Line line_;
    bool sloped_ = false;        ///< batches of different sizes were seen, so line_ means something
    double deviation_ = 0.05;    ///< usual |y - mean| / mean
    double gather_per_row_ = 0;  ///< seconds; 0: not learnt
    double transfer_per_row_ = 0;  ///< seconds; 0: not learnt
};

/// The curves of all models on all device classes. They outlive devices.
class CostModel {
  public:
    /// The number of the class of that name, a new one if need be.
    ClassId class_named(std::string_view name);

    /// The curve of a model on a class, made if need be. The address stays valid.
    CostCurve& curve(ModelId model, ClassId device_class);

    std::vector<LearntCurve> learnt() const;
    void recall(const LearntCurve& curve);

    /// The curve if there is one, else null.
    const CostCurve* find(ModelId model, std::string_view class_name) const;

  private:
    std::map<std::string, ClassId, std::less<>> classes_;
    std::map<std::pair<ModelId, ClassId>, CostCurve> curves_;
};

}  // namespace bunch
