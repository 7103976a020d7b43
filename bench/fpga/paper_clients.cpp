#include "bench/fpga/paper_clients.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/xrt/emulation/model_folder.h"
#include "bench/farm/http_get.h"
#include "bench/farm/phase.h"
#include "bench/farm/progress.h"
#include "bench/farm/questions.h"
#include "bench/farm/report.h"
#include "bench/farm/service_worker.h"
#include "bench/plot/plot.h"
#include "zoo/jets.h"

namespace bunch::fpga_bench {
namespace {

using farm::Measurement;
using farm::Phase;
using farm::PhaseResult;
using farm::Questions;

constexpr std::size_t kOutputs = 1000;

// Not jets: the corner of an image that comes back as the answer must differ from client to client.
void fill_with_uniform_numbers(std::span<float> row, Random& random) {
    for (float& value : row) value = static_cast<float>(random.uniform());
}

Phase image_phase(const ClientsOptions& options) {
    Phase phase;
    phase.name = kPaperModel;
    phase.title = "EMULATED FPGA, 1.5 ms per image at batch one, 588 KiB images";
    phase.device = "fpga";
    phase.unit = "images";
    phase.input = "x";
    phase.row_shape = {kAnyExtent, 3, kJetImageSide, kJetImageSide};
    phase.row_inputs = kJetImageFloats;
    phase.row_outputs = kOutputs;
    phase.measured = from_seconds(options.seconds);
    phase.fill = fill_with_uniform_numbers;
    return phase;
}

void fill(const Phase& phase, std::uint64_t seed, Questions& questions) {
    for (std::size_t i = 0; i < questions.count(); ++i) {
        Random random(seed * 1'000'003 + i);
        phase.fill(questions.input(i), random);
        std::copy_n(questions.input(i).begin(), kOutputs, questions.expected(i).begin());
    }
    questions.seal();
}

Result<Measurement> measure(const Phase& phase, const ClientsOptions& options, std::size_t clients,
                            const Questions& questions, farm::Progress& progress) {
    progress.begin(fmt::format("{} clients", clients));
    Result<std::string> before = std::string(), after = std::string();
    farm::CrowdEvents events;
    events.on_begin = [&] { before = farm::http_get(options.http_address, "/metrics"); };
    events.on_end = [&] { after = farm::http_get(options.http_address, "/metrics"); };
    events.on_progress = [&](double fraction, std::uint64_t answers) {
        progress.update(fraction, fmt::format("{} answers", answers));
    };
    Measurement one;
    BUNCH_ASSIGN_OR_RETURN(one.crowd, farm::run_crowd(
                                          {clients, phase.warm_up, phase.measured},
                                          [&](farm::Worker& worker) {
                                              return farm::work_with_service(
                                                  worker, phase, questions, options.data_endpoint);
                                          },
                                          events));
    BUNCH_RETURN_IF_ERROR(before.status());
    BUNCH_RETURN_IF_ERROR(after.status());
    one.service = farm::figures_between(farm::MetricsPage::parse(*before),
                                        farm::MetricsPage::parse(*after), phase.name, phase.device);
    progress.end(fmt::format("{:>6.0f} images/s, p50 {}", one.rows_per_second(),
                             farm::time_text(one.crowd.latencies.quantile(0.5))));
    return one;
}

plot::PlotSeries curve(const PhaseResult& result, const std::string& name, const std::string& color,
                       double (*y)(const Measurement&)) {
    plot::PlotSeries series{name, color, false, {}};
    for (const Measurement& one : result.service_curve)
        series.points.push_back({static_cast<double>(one.crowd.workers), y(one), ""});
    return series;
}

plot::PlotSeries maximum(const PhaseResult& result, double y) {
    plot::PlotSeries series{"published maximum", "#7f7f7f", true, {}, 0};
    for (const Measurement* one : {&result.service_curve.front(), &result.service_curve.back()})
        series.points.push_back({static_cast<double>(one->crowd.workers), y, ""});
    return series;
}

/// Of one client.
plot::PlotSeries mean_time(const std::string& name, const std::string& color, double seconds) {
    return {name, color, false, {{1, seconds, ""}}, 6};
}

}  // namespace

std::string write_paper_model(const std::string& folder) {
    const std::string shape = fmt::format("[-1, 3, {0}, {0}]", kJetImageSide);
    emulation::FpgaFolder model;
    model.name = kPaperModel;
    model.model = "copy";
    model.parameters = emulation::bytes_of(
        fmt::format("{} {}", kJetImageFloats * sizeof(float), kOutputs * sizeof(float)));
    model.units = 1;
    model.manifest_head = "max_rows = 1\nslots = 2\ntime_limit = \"1s\"\n";
    model.input = "type = \"FP32\"\nshape = " + shape + "\n";
    model.output = fmt::format("type = \"FP32\"\nshape = [-1, {}]\n", kOutputs);
    return emulation::write_model(model, folder);
}

Result<PhaseResult> measure_clients(const ClientsOptions& options) {
    const Phase phase = image_phase(options);
    const std::size_t most = *std::max_element(options.clients.begin(), options.clients.end());
    Questions questions({most, 1, phase.input_floats(), phase.output_floats()}, phase.tolerance);
    fill(phase, options.seed, questions);
    PhaseResult result;
    result.name = phase.name;
    result.title = phase.title;
    result.unit = phase.unit;
    result.simulated = true;
    result.separation = questions.separation();
    farm::Progress progress(options.clients.size());
    for (const std::size_t clients : options.clients) {
        BUNCH_ASSIGN_OR_RETURN(Measurement one,
                               measure(phase, options, clients, questions, progress));
        result.service_curve.push_back(std::move(one));
    }
    return result;
}

std::string clients_table(const PhaseResult& result) {
    std::string table = fmt::format("\n{}\n{:>8} {:>10} {:>10} {:>10} {:>10} {:>8}\n", result.title,
                                    "clients", "images/s", "p50", "p90", "p99", "busy");
    for (const Measurement& one : result.service_curve) {
        const farm::Latencies& latencies = one.crowd.latencies;
        table += fmt::format("{:>8} {:>10.1f} {:>10} {:>10} {:>10} {:>8.3f}\n", one.crowd.workers,
                             one.rows_per_second(), farm::time_text(latencies.quantile(0.5)),
                             farm::time_text(latencies.quantile(0.9)),
                             farm::time_text(latencies.quantile(0.99)), one.service->duty_cycle);
        if (!one.all_right())
            table +=
                fmt::format("         wrong {} swapped {} failed {} {}\n", one.crowd.mismatches,
                            one.crowd.swapped, one.crowd.errors, one.crowd.first_error);
    }
    const PublishedFigures paper;
    return table + fmt::format(
                       "published: {:.0f} images/s; mean time per image {} on site, {} from "
                       "far\n",
                       paper.images_per_second, farm::time_text(paper.on_site_seconds),
                       farm::time_text(paper.remote_seconds));
}

std::string clients_plot(const PhaseResult& result) {
    const PublishedFigures paper;
    plot::PlotPanel rate{
        "Throughput", "clients, one image in flight each", "images per second", {}};
    rate.y_scale = plot::Scale::linear;
    rate.series = {curve(result, "bunchd, emulated card", "#1f77b4",
                         [](const Measurement& one) { return one.rows_per_second(); }),
                   maximum(result, paper.images_per_second)};
    plot::PlotPanel latency{"Latency", "clients, one image in flight each", "seconds", {}};
    latency.series = {
        curve(result, "bunchd p50", "#1f77b4",
              [](const Measurement& one) { return one.crowd.latencies.quantile(0.5); }),
        curve(result, "bunchd p99", "#d62728",
              [](const Measurement& one) { return one.crowd.latencies.quantile(0.99); }),
        mean_time("published mean, on site", "#7f7f7f", paper.on_site_seconds),
        mean_time("published mean, from far", "#bcbd22", paper.remote_seconds)};
    return plot::to_svg("One FPGA of 1.5 ms per image, shared (EMULATED card)", {rate, latency});
}

}  // namespace bunch::fpga_bench
