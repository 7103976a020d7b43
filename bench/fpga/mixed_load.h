/// CPU and FPGA devices together: workers of two kinds ask for two models at the same time, each of
/// which an EMULATED card computes in fixed point and the CPU in floating point. Shows that the
/// daemon uses all of them, and that every answer is as near to the float network as its manifest
/// states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/farm/result.h"
#include "core/result.h"

namespace bunch::fpga_bench {

struct MixedOptions {
    std::string data_endpoint;
    std::string http_address;
    std::string models = ".";  ///< folder of the models' folders
    std::size_t workers = 64;  ///< half of them for each model; a few do not need the cards
    double seconds = 10;
    std::uint64_t seed = 1;
};

/// What one device did for one model while it was measured, by the daemon's own metrics.
struct DeviceShare {
    std::string model;
    std::string device;
    double batches = 0;
    double rows = 0;
};

struct ModelLoad {
    std::string name, title;
    double max_deviation = 0;  ///< stated in the manifest
    double scale = 1;          ///< largest expected number: what deviations are relative to
    farm::CrowdResult crowd;
};

struct MixedResult {
    std::vector<ModelLoad> models;
    std::vector<DeviceShare> shares;
    std::vector<std::string> made_by;  ///< "facile_fpga: fpga-..., ap_fixed<16,6>", all kinds seen
    double seconds = 0;
};

/// Writes the folder of each model that is not there.
Status write_mixed_models(const MixedOptions& options);

Result<MixedResult> measure_mixed(const MixedOptions& options);

std::string mixed_table(const MixedResult& result);
std::string mixed_json(const MixedResult& result);

/// Every answer right, and every model served by both of its devices.
bool is_right(const MixedResult& result);

}  // namespace bunch::fpga_bench
