#include "bench/peers/onnxruntime/contest.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cpu/model_commands.h"
#include "backends/cpu/team.h"
#include "backends/cpu/threads.h"
#include "core/time.h"

namespace bunch::peers {
namespace {

constexpr int kCallsToSettle = 3;
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

/// A lane with its batch.
class BunchSide final : public Side {
  public:
    explicit BunchSide(unsigned threads) : team_(threads) {}

    Status open(const cpu::CpuModel& model, const ContestCase& given) {
        BUNCH_RETURN_IF_ERROR(cpu::make_batch(model.signature(), given.rows, given.length, batch_));
        BUNCH_ASSIGN_OR_RETURN(session_, model.open(&team_));
        return ok_status();
    }
    Status run(int calls) override {
        for (int i = 0; i < calls; ++i)
            BUNCH_RETURN_IF_ERROR(session_->run(batch_.input_views, batch_.output_views, shapes_));
        return ok_status();
    }

    const cpu::ModelBatch& batch() const { return batch_; }
    const std::vector<Shape>& shapes() const { return shapes_; }

  private:
    cpu::Team team_;
    cpu::ModelBatch batch_;
    std::unique_ptr<cpu::ModelSession> session_;
    std::vector<Shape> shapes_;
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
    // The other side's threads spin for a while after its turn.
    if (!processor) BUNCH_RETURN_IF_ERROR(side.run(kCallsToSettle));
    const double begin = seconds_now(processor);
    BUNCH_RETURN_IF_ERROR(side.run(calls));
    return (seconds_now(processor) - begin) / calls;
}

Result<double> deviation_of(const BunchSide& bunch, const OrtSession& ort) {
    const std::vector<TensorView>& outputs = bunch.batch().output_views;
    double difference = 0, largest = 0;
    for (std::size_t o = 0; o < outputs.size(); ++o) {
        if (outputs[o].type != DataType::f32) continue;
        BUNCH_ASSIGN_OR_RETURN(const void* elements, ort.output(o));
        const auto* theirs = static_cast<const float*>(elements);
        const auto* ours = reinterpret_cast<const float*>(outputs[o].bytes.data());
        const std::size_t count =
            static_cast<std::size_t>(byte_size(DataType::f32, bunch.shapes()[o]).value_or(0)) / 4;
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
    BunchSide bunch(given.threads);
    BUNCH_RETURN_IF_ERROR(bunch.open(model, given));
    BUNCH_RETURN_IF_ERROR(bunch.run(1));
    BUNCH_ASSIGN_OR_RETURN(const auto session,
                           OrtSession::open(library, path, given.threads, model.signature()));
    ContestResult result;
    // Into memory of its own: ours is what it is compared with.
    cpu::ModelBatch theirs;
    BUNCH_RETURN_IF_ERROR(cpu::make_batch(model.signature(), given.rows, given.length, theirs));
    BUNCH_RETURN_IF_ERROR(session->bind(theirs.input_views, theirs.output_views));
    OrtSide ort(*session);
    BUNCH_RETURN_IF_ERROR(ort.run(1));
    BUNCH_ASSIGN_OR_RETURN(result.deviation, deviation_of(bunch, *session));

    BUNCH_ASSIGN_OR_RETURN(const int ours_calls, calls_per_block(bunch, processor));
    BUNCH_ASSIGN_OR_RETURN(const int ort_calls, calls_per_block(ort, processor));
    std::vector<double> ours, other, ratios;
    for (std::uint32_t round = 0; round < given.rounds; ++round) {
        BUNCH_ASSIGN_OR_RETURN(const double a, seconds_per_call(bunch, ours_calls, processor));
        BUNCH_ASSIGN_OR_RETURN(const double b, seconds_per_call(ort, ort_calls, processor));
        ours.push_back(a);
        other.push_back(b);
        ratios.push_back(b / a);
    }
    result.bunch_seconds = median_of(ours);
    result.ort_seconds = median_of(other);
    result.ratio = median_of(ratios);
    return result;
}

}  // namespace bunch::peers
