#include "bench/peers/onnxruntime/contest.h"

#include <time.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <thread>
#include <vector>

#include "backends/cpu/model_commands.h"
#include "backends/cpu/threads.h"
#include "core/time.h"

namespace bunch::peers {
namespace {

constexpr double kBlockSeconds = 0.02;  // of calls between two looks at the clock, at least

double median_of(std::vector<double> numbers) {
    std::sort(numbers.begin(), numbers.end());
    return numbers[numbers.size() / 2];
}

double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_now(bool processor) {
    return processor ? processor_seconds() : to_seconds(now().time_since_epoch());
}

/// One executor, ready to be called again and again.
class Side {
  public:
    virtual ~Side() = default;
    /// Computes `calls` times all rows.
    virtual Status run(int calls) = 0;
};

class OrtSide final : public Side {
  public:
    explicit OrtSide(OrtSession& session) : session_(session) {}
    Status run(int calls) override {
        for (int i = 0; i < calls; ++i) BUNCH_RETURN_IF_ERROR(session_.run());
        return ok_status();
    }

  private:
    OrtSession& session_;
};

/// One lane with its batch.
struct BunchLane {
    cpu::ModelBatch batch;
    std::unique_ptr<cpu::ModelSession> session;
    std::vector<Shape> shapes;
    Status status;

    Status open(const cpu::CpuModel& model, std::uint32_t rows, std::int64_t length) {
        BUNCH_RETURN_IF_ERROR(cpu::make_batch(model.signature(), rows, length, batch));
        BUNCH_ASSIGN_OR_RETURN(session, model.open());
        return ok_status();
    }
    void run(int calls) {
        for (int i = 0; i < calls && status.ok(); ++i)
            status = session->run(batch.input_views, batch.output_views, shapes);
    }
};

/// A thread for each lane but the first, which is the caller's.
class BunchSide final : public Side {
  public:
    explicit BunchSide(std::vector<BunchLane>& lanes)
        : lanes_(lanes), meeting_(static_cast<std::ptrdiff_t>(lanes.size())) {
        for (std::size_t i = 1; i < lanes.size(); ++i)
            threads_.emplace_back([this, i] { serve(lanes_[i]); });
    }
    ~BunchSide() override {
        calls_ = 0;
        if (!threads_.empty()) meeting_.arrive_and_wait();
    }
    Status run(int calls) override {
        calls_ = calls;
        if (!threads_.empty()) meeting_.arrive_and_wait();
        lanes_.front().run(calls);
        if (!threads_.empty()) meeting_.arrive_and_wait();
        for (const BunchLane& lane : lanes_) BUNCH_RETURN_IF_ERROR(lane.status);
        return ok_status();
    }

  private:
    void serve(BunchLane& lane) {
        cpu::use_one_thread();
        for (;;) {
            meeting_.arrive_and_wait();
            if (calls_ == 0) return;
            lane.run(calls_);
            meeting_.arrive_and_wait();
        }
    }

    std::vector<BunchLane>& lanes_;
    std::barrier<> meeting_;
    int calls_ = 0;  ///< written while the threads wait
    std::vector<std::jthread> threads_;
};

/// How many calls make a block.
Result<int> calls_per_block(Side& side, bool processor) {
    BUNCH_RETURN_IF_ERROR(side.run(1));
    for (int calls = 1;; calls *= 4) {
        const double begin = seconds_now(processor);
        BUNCH_RETURN_IF_ERROR(side.run(calls));
        const double spent = seconds_now(processor) - begin;
        if (spent > kBlockSeconds / 8)
            return std::max(1, static_cast<int>(std::lround(kBlockSeconds / spent * calls)));
    }
}

Result<double> seconds_per_call(Side& side, int calls, bool processor) {
    const double begin = seconds_now(processor);
    BUNCH_RETURN_IF_ERROR(side.run(calls));
    return (seconds_now(processor) - begin) / calls;
}

Result<double> deviation_of(const BunchLane& lane, const OrtSession& ort) {
    double difference = 0, largest = 0;
    for (std::size_t o = 0; o < lane.batch.output_views.size(); ++o) {
        if (lane.batch.output_views[o].type != DataType::f32) continue;
        BUNCH_ASSIGN_OR_RETURN(const void* elements, ort.output(o));
        const auto* theirs = static_cast<const float*>(elements);
        const auto* ours = reinterpret_cast<const float*>(lane.batch.output_views[o].bytes.data());
        const std::size_t count =
            static_cast<std::size_t>(byte_size(DataType::f32, lane.shapes[o]).value_or(0)) / 4;
        for (std::size_t i = 0; i < count; ++i) {
            const double d =
                std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i]));
            difference = d > difference || std::isnan(d) ? d : difference;
            largest = std::max(largest, std::abs(static_cast<double>(theirs[i])));
        }
    }
    return largest > 0 ? difference / largest : difference;
}

}  // namespace

Result<ContestResult> contest(const OrtLibrary& library, const std::string& path,
                              const cpu::CpuModel& model, const ContestCase& given) {
    cpu::use_one_thread();
    const bool processor = given.threads == 1;
    BunchLane whole;  // what ONNX Runtime gets, and our answer to it
    BUNCH_RETURN_IF_ERROR(whole.open(model, given.rows, given.length));
    whole.run(1);
    BUNCH_RETURN_IF_ERROR(whole.status);
    BUNCH_ASSIGN_OR_RETURN(const auto session,
                           OrtSession::open(library, path, given.threads, model.signature()));
    ContestResult result;
    // Into memory of its own: ours is what it is compared with.
    cpu::ModelBatch theirs;
    BUNCH_RETURN_IF_ERROR(cpu::make_batch(model.signature(), given.rows, given.length, theirs));
    BUNCH_RETURN_IF_ERROR(session->bind(theirs.input_views, theirs.output_views));
    OrtSide ort(*session);
    BUNCH_RETURN_IF_ERROR(ort.run(1));
    BUNCH_ASSIGN_OR_RETURN(result.deviation, deviation_of(whole, *session));

    const std::uint32_t part = std::max(1U, given.rows / given.threads);
    std::vector<BunchLane> lanes(given.threads);
    for (BunchLane& lane : lanes) BUNCH_RETURN_IF_ERROR(lane.open(model, part, given.length));
    BunchSide bunch(lanes);
    const double share = static_cast<double>(given.rows) / (part * given.threads);
    BUNCH_ASSIGN_OR_RETURN(const int ours_calls, calls_per_block(bunch, processor));
    BUNCH_ASSIGN_OR_RETURN(const int ort_calls, calls_per_block(ort, processor));
    std::vector<double> ours, other, ratios;
    for (std::uint32_t round = 0; round < given.rounds; ++round) {
        BUNCH_ASSIGN_OR_RETURN(const double a, seconds_per_call(bunch, ours_calls, processor));
        BUNCH_ASSIGN_OR_RETURN(const double b, seconds_per_call(ort, ort_calls, processor));
        ours.push_back(a * share);
        other.push_back(b);
        ratios.push_back(b / (a * share));
    }
    result.bunch_seconds = median_of(ours);
    result.ort_seconds = median_of(other);
    result.ratio = median_of(ratios);
    return result;
}

}  // namespace bunch::peers
