#include "bench/fpga/mixed_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "backends/xrt/manifest.h"
#include "bench/farm/http_get.h"
#include "bench/farm/phase.h"
#include "bench/farm/progress.h"
#include "bench/farm/questions.h"
#include "bench/farm/report.h"
#include "bench/farm/service_worker.h"
#include "client/connection.h"
#include "zoo/fpga/fpga_models.h"

namespace bunch::fpga_bench {
namespace {

using farm::Phase;
using farm::Questions;

constexpr std::size_t kProbes = 64;
constexpr Duration kProbePatience = std::chrono::seconds(30);

void fill_with_normal_numbers(std::span<float> row, Random& random) {
    for (float& value : row) value = static_cast<float>(random.normal());
}

/// One kind of worker: what it asks for, and the answers in floating point.
struct Kind {
    Phase phase;
    double max_deviation = 0;
    double scale = 1;
    std::unique_ptr<Questions> questions;
};

Phase phase_of(const std::string& name, const DenseNetwork& network) {
    Phase phase;
    phase.name = name;
    const bool is_muon = name == "muon_fpga";
    phase.rows = is_muon ? 8 : 2000;
    phase.in_flight = is_muon ? 8 : 2;
    phase.title = is_muon ? "muon network, 8 muons per request" : "FACILE, 2,000 rows per request";
    phase.unit = "rows";
    phase.row_shape = {kAnyExtent, network.front().inputs};
    phase.row_inputs = network.front().inputs;
    phase.row_outputs = network.back().outputs;
    phase.questions = is_muon ? 64 : 2;
    phase.fill = fill_with_normal_numbers;
    return phase;
}

/// Inputs, and what the network answers to them in floating point. Returns the largest number of
/// all answers.
double fill(const Phase& phase, const DenseNetwork& network, std::uint64_t seed,
            const Questions& questions) {
    double scale = 0;
    for (std::size_t i = 0; i < questions.count(); ++i) {
        Random random(seed * 1'000'003 + i);
        for (std::size_t row = 0; row < phase.rows; ++row) {
            const auto input = questions.input(i).subspan(row * phase.row_inputs, phase.row_inputs);
            phase.fill(input, random);
            const std::vector<float> answer = run(network, input);
            std::copy(answer.begin(), answer.end(),
                      questions.expected(i).begin() +
                          static_cast<std::ptrdiff_t>(row * phase.row_outputs));
            for (const float number : answer) scale = std::max(scale, std::abs(double{number}));
        }
    }
    return scale;
}

Result<Kind> make_kind(const std::string& name, const MixedOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(const fpga::Manifest manifest,
                           fpga::read_manifest(options.models + "/" + name + "/" + name + ".toml"));
    const DenseNetwork network = fpga_zoo_network(name, options.seed);
    Kind kind;
    kind.phase = phase_of(name, network);
    kind.max_deviation = manifest.twin ? manifest.twin->max_deviation : 0;
    const farm::QuestionSize size{options.workers, kind.phase.questions, kind.phase.input_floats(),
                                  kind.phase.output_floats()};
    // The tolerance of a judge is relative to the largest number, so that is needed first.
    kind.scale = fill(kind.phase, network, options.seed, Questions(size, 0));
    kind.questions = std::make_unique<Questions>(size, kind.max_deviation / kind.scale);
    fill(kind.phase, network, options.seed, *kind.questions);
    kind.questions->seal();
    return kind;
}

/// Which devices the daemon's metrics name for the model, and what they did between two scrapes.
std::vector<DeviceShare> shares_of(const std::string& model, const std::set<std::string>& devices,
                                   const farm::MetricsPage& before,
                                   const farm::MetricsPage& after) {
    std::vector<DeviceShare> shares;
    for (const std::string& device : devices) {
        const std::vector<std::string> labels = {"model=\"" + model + "\"",
                                                 "device=\"" + device + "\""};
        const auto change = [&](const std::string& name) {
            return after.sum(name, labels) - before.sum(name, labels);
        };
        DeviceShare share{model, device, change("bunch_batch_rows_count"),
                          change("bunch_batch_rows_sum")};
        if (share.batches > 0) shares.push_back(share);
    }
    return shares;
}

/// Values of the label `device` on a page of metrics.
std::set<std::string> devices_on(const std::string& page) {
    constexpr std::string_view kLabel = "device=\"";
    std::set<std::string> devices;
    for (std::size_t at = page.find(kLabel); at != std::string::npos; at = page.find(kLabel, at)) {
        at += kLabel.size();
        devices.insert(page.substr(at, page.find('"', at) - at));
    }
    return devices;
}

/// Asks many times at once; what each answer says made it.
Result<std::set<std::string>> probe(const Kind& kind, const std::string& endpoint) {
    ConnectionOptions options;
    options.endpoints = {endpoint};
    options.initial_credit_bytes = std::int64_t{64} << 20;
    BUNCH_ASSIGN_OR_RETURN(const auto connection, Connection::open(std::move(options)));
    std::set<std::string> made_by;
    Status failed;
    for (std::size_t i = 0; i < kProbes; ++i) {
        Request request;
        request.model = kind.phase.name;
        const std::size_t question = i % kind.questions->count();
        const auto rows = static_cast<std::int64_t>(kind.phase.rows);
        request.inputs.push_back(
            {"input", DataType::f32, kind.phase.row_shape.with_rows(rows),
             Buffer::hold(std::as_writable_bytes(kind.questions->input(question)), nullptr,
                          nullptr)});
        const auto submitted = connection->submit(std::move(request), [&](Response& answer) {
            if (answer.status.ok())
                made_by.insert(kind.phase.name + ": " + answer.device_class + ", " +
                               answer.precision);
            else
                failed = answer.status;
        });
        BUNCH_RETURN_IF_ERROR(submitted.status());
    }
    const TimePoint until = now() + kProbePatience;
    while (connection->open_requests() > 0 && now() < until)
        connection->poll(std::chrono::milliseconds(100));
    BUNCH_RETURN_IF_ERROR(failed);
    return made_by;
}

}  // namespace

Status write_mixed_models(const MixedOptions& options) {
    for (const ZooModel& model : fpga_zoo_models()) {
        const std::string folder = options.models + "/" + model.name;
        std::error_code error;
        if (std::filesystem::exists(folder + "/" + model.name + ".toml", error)) continue;
        FpgaZooOptions zoo;
        zoo.seed = options.seed;
        zoo.units = 2;
        BUNCH_RETURN_IF_ERROR(write_fpga_zoo_model(model.name, folder, zoo).status());
    }
    return ok_status();
}

Result<MixedResult> measure_mixed(const MixedOptions& options) {
    std::vector<Kind> kinds;
    for (const ZooModel& model : fpga_zoo_models()) {
        BUNCH_ASSIGN_OR_RETURN(Kind kind, make_kind(model.name, options));
        kinds.push_back(std::move(kind));
    }
    farm::Progress progress(1);
    progress.begin(fmt::format("{} workers, {} models at once", options.workers, kinds.size()));
    Result<std::string> before = std::string(), after = std::string();
    farm::CrowdEvents events;
    events.on_begin = [&] { before = farm::http_get(options.http_address, "/metrics"); };
    events.on_end = [&] { after = farm::http_get(options.http_address, "/metrics"); };
    events.on_progress = [&](double fraction, std::uint64_t answers) {
        progress.update(fraction, fmt::format("{} answers", answers));
    };
    const auto work = [&](farm::Worker& worker) {
        const Kind& kind = kinds[worker.index() % kinds.size()];
        return farm::work_with_service(worker, kind.phase, *kind.questions, options.data_endpoint);
    };
    const farm::CrowdPlan plan{options.workers, std::chrono::seconds(1),
                               from_seconds(options.seconds)};
    BUNCH_ASSIGN_OR_RETURN(const auto crowds,
                           farm::run_mixed_crowd(plan, kinds.size(), work, events));
    BUNCH_RETURN_IF_ERROR(before.status());
    BUNCH_RETURN_IF_ERROR(after.status());
    progress.end("");

    MixedResult result;
    result.seconds = crowds.front().seconds;
    const auto page_before = farm::MetricsPage::parse(*before);
    const auto page_after = farm::MetricsPage::parse(*after);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const Kind& kind = kinds[i];
        result.models.push_back(
            {kind.phase.name, kind.phase.title, kind.max_deviation, kind.scale, crowds[i]});
        for (DeviceShare& share :
             shares_of(kind.phase.name, devices_on(*after), page_before, page_after))
            result.shares.push_back(std::move(share));
        BUNCH_ASSIGN_OR_RETURN(const auto made_by, probe(kind, options.data_endpoint));
        result.made_by.insert(result.made_by.end(), made_by.begin(), made_by.end());
    }
    return result;
}

std::string mixed_table(const MixedResult& result) {
    std::string table;
    for (const ModelLoad& model : result.models) {
        const farm::CrowdResult& crowd = model.crowd;
        table += fmt::format(
            "\n{}: {}, {} workers\n  {} requests/s, {} rows/s, p50 {}, p99 {}\n"
            "  wrong/swapped/failed {}/{}/{}; largest difference to floating point {:.2g}, "
            "stated {:.2g}\n",
            model.name, model.title, crowd.workers,
            farm::rate_text(static_cast<double>(crowd.requests) / crowd.seconds),
            farm::rate_text(static_cast<double>(crowd.rows) / crowd.seconds),
            farm::time_text(crowd.latencies.quantile(0.5)),
            farm::time_text(crowd.latencies.quantile(0.99)), crowd.mismatches, crowd.swapped,
            crowd.errors, crowd.max_deviation * model.scale, model.max_deviation);
        if (!crowd.first_error.empty()) table += "  first failure: " + crowd.first_error + "\n";
        for (const DeviceShare& share : result.shares)
            if (share.model == model.name)
                table += fmt::format("  {:<8} {:>12} rows/s in {:>8} batches/s\n", share.device,
                                     farm::rate_text(share.rows / result.seconds),
                                     farm::rate_text(share.batches / result.seconds));
    }
    table += "\nAnswers said they were made by\n";
    for (const std::string& words : result.made_by) table += "  " + words + "\n";
    return table + "fpga0 and fpga1 are EMULATED cards: their rates say nothing about real ones.\n";
}

std::string mixed_json(const MixedResult& result) {
    nlohmann::ordered_json json = {{"cores", std::thread::hardware_concurrency()},
                                   {"measured_seconds", result.seconds},
                                   {"emulated", true},
                                   {"made_by", result.made_by}};
    for (const ModelLoad& model : result.models) {
        nlohmann::ordered_json one = {
            {"name", model.name},
            {"workers", model.crowd.workers},
            {"requests", model.crowd.requests},
            {"rows", model.crowd.rows},
            {"p50", model.crowd.latencies.quantile(0.5)},
            {"p99", model.crowd.latencies.quantile(0.99)},
            {"errors", model.crowd.errors},
            {"mismatches", model.crowd.mismatches},
            {"swapped", model.crowd.swapped},
            {"largest_deviation", model.crowd.max_deviation * model.scale},
            {"stated_deviation", model.max_deviation}};
        for (const DeviceShare& share : result.shares)
            if (share.model == model.name)
                one["devices"][share.device] = {{"rows", share.rows}, {"batches", share.batches}};
        json["models"].push_back(std::move(one));
    }
    return json.dump(2) + "\n";
}

bool is_right(const MixedResult& result) {
    return std::all_of(result.models.begin(), result.models.end(), [&](const ModelLoad& model) {
        const farm::CrowdResult& crowd = model.crowd;
        const auto devices =
            std::count_if(result.shares.begin(), result.shares.end(),
                          [&](const DeviceShare& share) { return share.model == model.name; });
        return crowd.requests > 0 && crowd.errors == 0 && crowd.mismatches == 0 &&
               crowd.swapped == 0 && devices == 2;
    });
}

}  // namespace bunch::fpga_bench
