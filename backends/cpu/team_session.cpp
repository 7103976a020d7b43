#include "backends/cpu/team_session.h"

#include <algorithm>
#include <array>
#include <bit>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace bunch::cpu {
namespace {

template <typename View>
std::vector<View> rows_of(std::span<const View> views, std::size_t first, std::size_t count,
                          std::size_t all) {
    std::vector<View> piece;
    for (const View& view : views) {
        const std::size_t row_bytes = view.bytes.size() / all;
        piece.push_back({view.type, view.shape.with_rows(static_cast<std::int64_t>(count)),
                         view.bytes.subspan(first * row_bytes, count * row_bytes)});
    }
    return piece;
}

/// Whether each row of the views begins where the one before it ends, so that they can be cut.
template <typename View>
bool lie_by_rows(std::span<const View> views, std::size_t rows) {
    return std::all_of(views.begin(), views.end(), [rows](const View& view) {
        return view.shape.rank() > 0 && view.shape[0] == static_cast<std::int64_t>(rows) &&
               byte_size(view.type, view.shape) == view.bytes.size();
    });
}

/// One batch while it is handed out.
class Handout {
  public:
    Handout(std::size_t rows, std::size_t threads, std::size_t least, std::size_t most)
        : rows_(rows), threads_(threads), least_(least), most_(most) {}

    /// The next piece, pieces becoming smaller towards the end; nothing of it once all is handed
    /// out or something failed.
    std::pair<std::size_t, std::size_t> next() {
        const std::lock_guard lock(mutex_);
        const std::size_t left = status_.ok() ? rows_ - first_ : 0;
        std::size_t count = std::bit_floor(std::max(left / threads_, std::size_t{1}));
        count = std::min(std::clamp(count, least_, std::max(least_, most_)), left);
        return {std::exchange(first_, first_ + count), count};
    }
    void fail(const Status& status) {
        const std::lock_guard lock(mutex_);
        status_ = status;
    }
    const Status& status() const { return status_; }

  private:
    std::mutex mutex_;
    const std::size_t rows_, threads_, least_, most_;
    std::size_t first_ = 0;
    Status status_;
};

class TeamSession final : public ModelSession {
  public:
    TeamSession(Team& team, std::unique_ptr<ModelSession> whole,
                std::vector<std::unique_ptr<ModelSession>> sessions, std::size_t most,
                Duration least_time)
        : team_(team),
          whole_(std::move(whole)),
          sessions_(std::move(sessions)),
          most_(most),
          least_time_(least_time) {}

    Status run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
               std::vector<Shape>& output_shapes) override;

    void record_times() override {
        whole_->record_times();
        for (const auto& session : sessions_) session->record_times();
    }
    std::vector<LayerTime> layer_times() const override;

  private:
    Status run_whole(std::size_t rows, std::span<const ConstTensorView> inputs,
                     std::span<const TensorView> outputs, std::vector<Shape>& output_shapes);
    std::optional<Duration>& row_time(std::size_t rows, std::span<const ConstTensorView> inputs);
    void run_pieces(unsigned worker, Handout& handout, std::size_t rows,
                    std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs);

    Team& team_;
    std::unique_ptr<ModelSession> whole_;
    std::vector<std::unique_ptr<ModelSession>> sessions_;
    const std::size_t most_;
    const Duration least_time_;
    /// The least that a row took, for rows of up to 0, 1, 3, 7, 15, ... bytes.
    std::array<std::optional<Duration>, std::numeric_limits<std::size_t>::digits + 1> row_times_;
};

/// That of rows as long as these: a short one says nothing about a long one.
std::optional<Duration>& TeamSession::row_time(std::size_t rows,
                                               std::span<const ConstTensorView> inputs) {
    std::size_t bytes = 0;
    for (const ConstTensorView& input : inputs) bytes += input.bytes.size() / rows;
    return row_times_[static_cast<std::size_t>(std::bit_width(bytes))];
}

Status TeamSession::run_whole(std::size_t rows, std::span<const ConstTensorView> inputs,
                              std::span<const TensorView> outputs,
                              std::vector<Shape>& output_shapes) {
    const TimePoint begin = now();
    BUNCH_RETURN_IF_ERROR(whole_->run(inputs, outputs, output_shapes));
    const Duration row = (now() - begin) / static_cast<std::int64_t>(rows);
    std::optional<Duration>& least = row_time(rows, inputs);
    least = std::min(least.value_or(row), row);
    return ok_status();
}

/// For each thread of the team, of which none may throw: what fails, fails the batch.
void TeamSession::run_pieces(unsigned worker, Handout& handout, std::size_t rows,
                             std::span<const ConstTensorView> inputs,
                             std::span<const TensorView> outputs) {
    try {
        std::vector<Shape> ignored;
        for (auto [first, count] = handout.next(); count > 0;
             std::tie(first, count) = handout.next()) {
            const auto from = rows_of(inputs, first, count, rows);
            const auto to = rows_of(outputs, first, count, rows);
            const Status status = sessions_[worker]->run(from, to, ignored);
            if (!status.ok()) handout.fail(status);
        }
    } catch (const std::exception& error) {
        handout.fail(internal_error("a piece of the batch failed: " + std::string(error.what())));
    }
}

Status TeamSession::run(std::span<const ConstTensorView> inputs,
                        std::span<const TensorView> outputs, std::vector<Shape>& output_shapes) {
    const bool has_rows = !inputs.empty() && inputs[0].shape.rank() > 0 && inputs[0].shape[0] > 0;
    const std::size_t rows = has_rows ? static_cast<std::size_t>(inputs[0].shape[0]) : 1;
    const std::optional<Duration> known = row_time(rows, inputs);
    const Duration row = std::max(known.value_or(Duration(1)), Duration(1));
    const auto least = static_cast<std::size_t>(least_time_ / row) + 1;
    if (!known || rows < 2 * least || !lie_by_rows(inputs, rows) || !lie_by_rows(outputs, rows))
        return run_whole(rows, inputs, outputs, output_shapes);
    Handout handout(rows, team_.size(), least, most_);
    team_.run([&](unsigned worker) { run_pieces(worker, handout, rows, inputs, outputs); });
    BUNCH_RETURN_IF_ERROR(handout.status());
    output_shapes.clear();
    for (const TensorView& output : outputs) output_shapes.push_back(output.shape);
    return ok_status();
}

std::vector<LayerTime> TeamSession::layer_times() const {
    std::vector<LayerTime> all = whole_->layer_times();
    for (const auto& session : sessions_)
        for (LayerTime& layer : session->layer_times()) {
            const auto known = std::find_if(all.begin(), all.end(), [&](const LayerTime& one) {
                return one.layer == layer.layer;
            });
            if (known == all.end())
                all.push_back(std::move(layer));
            else
                known->time += layer.time;
        }
    return all;
}

}  // namespace

std::unique_ptr<ModelSession> make_team_session(Team& team, std::unique_ptr<ModelSession> whole,
                                                std::vector<std::unique_ptr<ModelSession>> sessions,
                                                std::size_t most_rows, Duration least_time) {
    return std::make_unique<TeamSession>(team, std::move(whole), std::move(sessions), most_rows,
                                         least_time);
}

}  // namespace bunch::cpu
