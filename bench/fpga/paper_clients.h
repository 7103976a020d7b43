/// The published service (arXiv:1904.08986): one FPGA that takes 1.5 ms per image at batch one,
/// asked by many clients. Here the card is EMULATED: it keeps that time and copies the first 1,000
/// numbers of an image in place of computing ResNet-50. All else is real: the images, the client
/// processes, the daemon, the runner, the Xilinx runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/farm/result.h"
#include "core/result.h"

namespace bunch::fpga_bench {

/// Of the model, in the daemon's configuration and of the folder that is written.
inline constexpr const char* kPaperModel = "resnet50_fpga";

/// As published.
struct PublishedFigures {
    double images_per_second = 660;
    double on_site_seconds = 0.010;  ///< mean per image, through the experiment's framework
    double remote_seconds = 0.060;
};

struct ClientsOptions {
    std::string data_endpoint;
    std::string http_address;
    std::vector<std::size_t> clients = {1, 2, 5, 10, 20, 50, 100, 200, 500};
    double seconds = 5;  ///< measured, for each number of clients
    std::uint64_t seed = 1;
};

/// Writes <folder>/resnet50_fpga with a manifest for batch one. Replaces what is there.
std::string write_paper_model(const std::string& folder);

/// Every client is a process with one image in flight, its own, and checks every answer.
Result<farm::PhaseResult> measure_clients(const ClientsOptions& options);

std::string clients_table(const farm::PhaseResult& result);

/// Throughput and latency against the number of clients, beside what was published.
std::string clients_plot(const farm::PhaseResult& result);

}  // namespace bunch::fpga_bench
