// compare-cpu: bunch's CPU executor beside ONNX Runtime; bench/peers/compare_cpu runs it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backends/cpu/cpu_model.h"
#include "backends/cpu/threads.h"
#include "bench/peers/onnxruntime/contest.h"

namespace bunch::peers {
namespace {

struct Arguments {
    std::string library;
    std::vector<std::string> files;
    std::vector<std::uint32_t> batches = {1}, threads = {1};
    std::uint32_t rounds = 9;
    std::int64_t length = 16;
    std::string precision = "f32";
    std::string peer_file;     ///< what ONNX Runtime runs; empty: the same file
    double max_deviation = 0;  // 0: by precision
    std::string json;

    double limit() const {
        if (max_deviation > 0) return max_deviation;
        return precision == "f32" ? 1e-4 : 0.05;
    }
};

Status compare_model(const Arguments& arguments, const OrtLibrary& library, const std::string& file,
                     std::uint32_t threads, nlohmann::json& list) {
    cpu::CpuModelOptions options;
    options.max_rows = *std::max_element(arguments.batches.begin(), arguments.batches.end());
    options.precision = precision_named(arguments.precision).value_or(Precision::f32);
    options.threads = threads;
    options.program.timed = true;  // as the daemon does it, through its plan cache
    BUNCH_ASSIGN_OR_RETURN(const auto model, cpu::CpuModel::load(file, options));
    const std::string& peer = arguments.peer_file.empty() ? file : arguments.peer_file;
    const auto stem_of = [](const std::string& path) {
        return std::filesystem::path(path).stem().string();
    };
    const std::string name = stem_of(file) +
                             (arguments.precision == "f32" ? "" : " " + arguments.precision) +
                             (arguments.peer_file.empty() ? "" : ", " + stem_of(peer));
    for (const std::uint32_t rows : arguments.batches) {
        const ContestCase given{model->signature().batched ? rows : 1, threads, arguments.length,
                                arguments.rounds};
        BUNCH_ASSIGN_OR_RETURN(ContestResult result, contest(library, peer, *model, given));
        // Made-up inputs lie outside what a model in 8 bits was calibrated for.
        if (!arguments.peer_file.empty()) result.deviation = std::nan("");
        std::printf("%-18s %6u %7u %14.6g %14.6g %8.2f %10.1e\n", name.c_str(), given.rows, threads,
                    1e3 * result.bunch_seconds, 1e3 * result.ort_seconds, result.ratio,
                    result.deviation);
        std::fflush(stdout);
        list.push_back({{"model", name},
                        {"precision", arguments.precision},
                        {"rows", given.rows},
                        {"threads", threads},
                        {"bunch_milliseconds", 1e3 * result.bunch_seconds},
                        {"onnxruntime_milliseconds", 1e3 * result.ort_seconds},
                        {"ratio", result.ratio},
                        {"deviation", result.deviation}});
        if (arguments.peer_file.empty() && !(result.deviation <= arguments.limit())) {
            std::array<char, 128> text{};
            std::snprintf(text.data(), text.size(),
                          "outputs differ by %.1e of the largest, more than %.1e "
                          "(--max-deviation)",
                          result.deviation, arguments.limit());
            return internal_error(text.data());
        }
    }
    return ok_status();
}

Status compare(const Arguments& arguments) {
    BUNCH_ASSIGN_OR_RETURN(const OrtLibrary library, OrtLibrary::open(arguments.library));
    std::printf("ONNX Runtime %s; medians of %u rounds\n%-18s %6s %7s %14s %14s %8s %10s\n",
                library.version().c_str(), arguments.rounds, "model", "rows", "threads", "bunch ms",
                "ORT ms", "times", "deviation");
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& file : arguments.files)
        for (const std::uint32_t threads : arguments.threads)
            BUNCH_RETURN_IF_ERROR(
                compare_model(arguments, library, file, threads, list).with_context(file));
    if (arguments.json.empty()) return ok_status();
    std::FILE* out = std::fopen(arguments.json.c_str(), "w");
    if (out == nullptr) return unavailable("cannot write " + arguments.json);
    const std::string text =
        nlohmann::json{{"onnxruntime", library.version()}, {"runs", list}}.dump(2) + "\n";
    const bool written = std::fputs(text.c_str(), out) >= 0;
    return std::fclose(out) == 0 && written ? ok_status()
                                            : unavailable("cannot write " + arguments.json);
}

int run(int argc, char** argv) {
    CLI::App app("Runs models with bunch's CPU executor and with ONNX Runtime, in turns.");
    Arguments arguments;
    const auto count = CLI::Range(1U, 1U << 20);
    app.add_option("--library", arguments.library, "libonnxruntime.so")->required();
    app.add_option("files", arguments.files, "ONNX files")->required();
    app.add_option("--batch", arguments.batches, "Rows, several with commas")
        ->delimiter(',')
        ->check(count);
    app.add_option("--threads", arguments.threads, "Threads, several with commas")
        ->delimiter(',')
        ->check(CLI::Range(1U, 1024U));
    app.add_option("--rounds", arguments.rounds, "Turns, of which the median counts")->check(count);
    app.add_option("--length", arguments.length, "Of extents left open besides rows")->check(count);
    app.add_option("--precision", arguments.precision, "Of bunch; ONNX Runtime runs the file's")
        ->check(CLI::IsMember({"f32", "bf16", "int8"}));
    app.add_option("--peer-file", arguments.peer_file,
                   "What ONNX Runtime runs in place of each file: the model in another precision");
    app.add_option(
           "--max-deviation", arguments.max_deviation,
           "Fail if outputs differ by more of the largest; default 1e-4, in bf16 and int8 0.05")
        ->check(CLI::PositiveNumber);
    app.add_option("--json", arguments.json, "Write figures to this file, too");
    CLI11_PARSE(app, argc, argv);
    const Status status = compare(arguments);
    if (status.ok()) return 0;
    std::fprintf(stderr, "compare-cpu: %s\n", status.to_string().c_str());
    return 1;
}

}  // namespace
}  // namespace bunch::peers

int main(int argc, char** argv) {
    bunch::cpu::wait_passively(argv);
    return bunch::peers::run(argc, argv);
}
