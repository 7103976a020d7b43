#include "bench/farm/farm.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "bench/farm/executor.h"
#include "bench/farm/http_get.h"
#include "bench/farm/questions.h"
#include "bench/farm/report.h"
#include "bench/farm/service_worker.h"

namespace bunch::farm {
namespace {

std::size_t cores() {
    return std::max(1U, std::thread::hardware_concurrency());
}

Duration scaled(Duration span, double factor) {
    return from_seconds(to_seconds(span) * factor);
}

/// One phase on its way: questions, executors, and what both runs have in common.
class PhaseRun {
  public:
    PhaseRun(const Phase& phase, const FarmOptions& options, Progress& progress)
        : phase_(phase),
          options_(options),
          progress_(progress),
          questions_(
              {options.workers, phase.questions, phase.input_floats(), phase.output_floats()},
              phase.tolerance) {}

    /// Draws the inputs and computes what the answers must be.
    Status prepare();
    Status without_service(PhaseResult& result);
    Status with_service(PhaseResult& result);

  private:
    void fill_inputs();
    Status compute_expected();
    Status answer_share(ExecutorSource& source, Worker& worker);
    Status work_alone(Worker& worker);
    Result<Measurement> measure(const std::string& what, const CrowdPlan& plan,
                                const WorkerBody& body, bool service);
    /// The whole crowd, and smaller ones for the curve, which the whole one completes.
    Status measure_all(const std::string& what, bool service, const WorkerBody& body,
                       std::optional<Measurement>& whole, std::vector<Measurement>& curve);

    const Phase& phase_;
    const FarmOptions& options_;
    Progress& progress_;
    Questions questions_;
    std::unique_ptr<ExecutorSource> source_;
};

Status PhaseRun::prepare() {
    progress_.begin(phase_.name + ": load, expected answers");
    fill_inputs();
    if (phase_.simulated) {
        BUNCH_ASSIGN_OR_RETURN(
            source_, simulated_accelerator(kAcceleratorFixed, kAcceleratorPerRow, phase_.rows));
        for (std::size_t i = 0; i < questions_.count(); ++i)
            std::copy_n(questions_.input(i).begin(), phase_.output_floats(),
                        questions_.expected(i).begin());
    } else {
        const std::string path = options_.models + "/" + phase_.name + ".onnx";
        BUNCH_ASSIGN_OR_RETURN(source_, load_on_cpu(path, phase_.rows));
        BUNCH_RETURN_IF_ERROR(compute_expected());
    }
    questions_.seal();
    progress_.end(fmt::format("{} questions", questions_.count()));
    return ok_status();
}

void PhaseRun::fill_inputs() {
    for (std::size_t question = 0; question < questions_.count(); ++question) {
        Random random(options_.seed * 1'000'003 + question);
        const std::span<float> input = questions_.input(question);
        for (std::size_t row = 0; row < phase_.rows; ++row)
            phase_.fill(input.subspan(row * phase_.row_inputs, phase_.row_inputs), random);
    }
}

Status PhaseRun::compute_expected() {
    CrowdEvents events;
    events.on_progress = [this](double, std::uint64_t finished) {
        progress_.update(static_cast<double>(finished) / static_cast<double>(questions_.count()),
                         "");
    };
    const CrowdPlan plan = {cores(), Duration::zero(), Duration::zero()};
    return run_crowd(
               plan, [this](Worker& worker) { return answer_share(*source_, worker); }, events)
        .status();
}

Status PhaseRun::answer_share(ExecutorSource& source, Worker& worker) {
    BUNCH_ASSIGN_OR_RETURN(const auto executor, source.open());
    worker.wait_for_start();
    for (std::size_t i = worker.index(); i < questions_.count(); i += cores()) {
        BUNCH_RETURN_IF_ERROR(executor->run(questions_.input(i), questions_.expected(i)));
        worker.answered(now(), now(), phase_.rows, {});
    }
    return ok_status();
}

Status PhaseRun::work_alone(Worker& worker) {
    BUNCH_ASSIGN_OR_RETURN(const auto executor, source_->open());
    std::vector<float> answer(phase_.output_floats());
    const Window window = worker.wait_for_start();
    for (std::size_t i = 0; now() < window.end; ++i) {
        const std::size_t question = questions_.number(worker.index(), i);
        const TimePoint begin = now();
        BUNCH_RETURN_IF_ERROR(executor->run(questions_.input(question), answer));
        const TimePoint end = now();
        worker.answered(begin, end, phase_.rows, questions_.judge(question, answer));
    }
    return ok_status();
}

Result<Measurement> PhaseRun::measure(const std::string& what, const CrowdPlan& plan,
                                      const WorkerBody& body, bool service) {
    progress_.begin(fmt::format("{}: {} {} {}", phase_.name, plan.workers,
                                plan.workers == 1 ? "worker" : "workers", what));
    Result<std::string> before = std::string(), after = std::string();
    CrowdEvents events;
    if (service) {
        events.on_begin = [&] { before = http_get(options_.http_address, "/metrics"); };
        events.on_end = [&] { after = http_get(options_.http_address, "/metrics"); };
    }
    events.on_progress = [&](double fraction, std::uint64_t finished) {
        progress_.update(fraction, fmt::format("{} answers", finished));
    };
    Measurement measurement;
    BUNCH_ASSIGN_OR_RETURN(measurement.crowd, run_crowd(plan, body, events));
    if (service) {
        BUNCH_RETURN_IF_ERROR(before.status());
        BUNCH_RETURN_IF_ERROR(after.status());
        measurement.service = figures_between(
            MetricsPage::parse(*before), MetricsPage::parse(*after), phase_.name, phase_.device);
    }
    progress_.end(fmt::format("{:>10} {}/s, p50 {}", rate_text(measurement.rows_per_second()),
                              phase_.unit, time_text(measurement.crowd.latencies.quantile(0.5))));
    return measurement;
}

Status PhaseRun::measure_all(const std::string& what, bool service, const WorkerBody& body,
                             std::optional<Measurement>& whole, std::vector<Measurement>& curve) {
    const double scale = options_.time_scale;
    if (options_.curves) {
        for (const std::size_t workers : phase_.sweep) {
            if (workers >= options_.workers) continue;
            const CrowdPlan plan = {workers, scaled(phase_.warm_up, scale / 2),
                                    scaled(phase_.sweep_measured, scale)};
            BUNCH_ASSIGN_OR_RETURN(Measurement one, measure(what, plan, body, service));
            curve.push_back(std::move(one));
        }
    }
    const CrowdPlan plan = {options_.workers, scaled(phase_.warm_up, scale),
                            scaled(phase_.measured, scale)};
    BUNCH_ASSIGN_OR_RETURN(whole, measure(what, plan, body, service));
    if (!curve.empty()) curve.push_back(*whole);
    return ok_status();
}

Status PhaseRun::without_service(PhaseResult& result) {
    result.separation = questions_.separation();
    return measure_all(
        phase_.simulated ? "taking turns" : "each for itself", false,
        [this](Worker& worker) { return work_alone(worker); }, result.alone, result.alone_curve);
}

Status PhaseRun::with_service(PhaseResult& result) {
    result.separation = questions_.separation();
    return measure_all(
        "with bunchd", true,
        [&](Worker& worker) {
            return work_with_service(worker, phase_, questions_, options_.data_endpoint);
        },
        result.service, result.service_curve);
}

}  // namespace

std::size_t steps_of(const Phase& phase, const FarmOptions& options) {
    std::size_t runs = 1;
    if (options.curves)
        for (const std::size_t workers : phase.sweep) runs += workers < options.workers ? 1 : 0;
    return 1 + (options.without_service ? runs : 0) + (options.with_service ? runs : 0);
}

Result<PhaseResult> run_phase(const Phase& phase, const FarmOptions& options, Progress& progress) {
    PhaseResult result;
    result.name = phase.name;
    result.title = phase.title;
    result.unit = phase.unit;
    result.simulated = phase.simulated;
    result.tolerance = phase.tolerance;
    PhaseRun run(phase, options, progress);
    BUNCH_RETURN_IF_ERROR(run.prepare());
    if (options.without_service) BUNCH_RETURN_IF_ERROR(run.without_service(result));
    if (options.with_service) BUNCH_RETURN_IF_ERROR(run.with_service(result));
    return result;
}

}  // namespace bunch::farm
