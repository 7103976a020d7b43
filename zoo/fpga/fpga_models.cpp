#include "zoo/fpga/fpga_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>

#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/rows_design.h"
#include "backends/xrt/emulation/rtl/dense_rtl.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "core/check.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;

struct Entry {
    ZooModel model;
    std::vector<std::uint32_t> widths;
    FixedFormat format;
    std::uint32_t max_rows;
};

const std::vector<Entry>& entries() {
    static const std::vector<Entry> all = {
        {{"facile_fpga", "FACILE for FPGA 18-31-11-3-1, ap_fixed<16,6>, [N,18] -> [N,1]"},
         {18, 31, 11, 3, 1},
         {16, 6, true, Rounding::truncate, Overflow::wrap},
         16384},
        {{"muon_fpga", "muon recalibration 5-8-8-8-8-3, ap_fixed<18,6>, [N,5] -> [N,3]"},
         {5, 8, 8, 8, 8, 3},
         {18, 6, true, Rounding::truncate, Overflow::wrap},
         16384}};
    return all;
}

const Entry* find(std::string_view name) {
    const auto found = std::find_if(entries().begin(), entries().end(), [name](const Entry& entry) {
        return entry.model.name == name;
    });
    return found == entries().end() ? nullptr : &*found;
}

constexpr std::size_t kDeviationRows = 20'000;
/// Up to two digits that count: 0.0137 becomes 0.014.
double rounded_up(double number) {
    const double unit = std::pow(10.0, std::floor(std::log10(number)) - 1);
    return std::ceil(number / unit) * unit;
}

std::string manifest_of(const Entry& entry, const FpgaZooResult& result) {
    const std::string& name = entry.model.name;
    const std::string format =
        fmt::format("ap_fixed<{},{}", entry.format.total_bits, entry.format.integer_bits);
    const auto tensor = [&](const char* kind, const char* tensor_name, std::uint32_t width,
                            const char* rules) {
        return fmt::format(
            "\n[[{}]]\nname = \"{}\"\ntype = \"FP32\"\nshape = [-1, {}]\nformat = \"{}{}>\"\n"
            "row_align = {}\n",
            kind, tensor_name, width, format, rules, emulation::kDenseRowAlign);
    };
    return fmt::format(
               "# {}\nxclbin = \"{}.xclbin\"\nkernel = \"{}\"\n"
               "arguments = [\"rows\", \"input\", \"output\"]\nmax_rows = {}\nslots = 4\n"
               "time_limit = \"5s\"\n",
               entry.model.summary, name, name, entry.max_rows) +
           tensor("input", "input", entry.widths.front(), ",AP_RND_CONV,AP_SAT") +
           tensor("output", "output", entry.widths.back(), "") +
           fmt::format(
               "\n# The same weights in floating point. Over {} rows of normal numbers the "
               "outputs differed\n# by {:.2g} at most and {:.2g} on average, where their "
               "mean magnitude is {:.2g}.\n[twin]\npath = \"{}.onnx\"\n"
               "max_deviation = {:.2g}\n",
               result.deviation.rows, result.deviation.largest, result.deviation.mean,
               result.deviation.output, name, result.max_deviation);
}

template <typename Bytes>
Status write_file(const fs::path& path, const Bytes& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (file) return ok_status();
    return unavailable("'" + path.string() +
                       "' cannot be written; choose a folder that can be made and has room");
}

}  // namespace

const std::vector<ZooModel>& fpga_zoo_models() {
    static const std::vector<ZooModel> all = [] {
        std::vector<ZooModel> models;
        for (const Entry& entry : entries()) models.push_back(entry.model);
        return models;
    }();
    return all;
}

DenseNetwork fpga_zoo_network(std::string_view name, std::uint64_t seed) {
    const Entry* entry = find(name);
    BUNCH_CHECK(entry != nullptr);
    return draw_dense_network(entry->widths, seed);
}

fixed_point::DenseStack fpga_zoo_stack(std::string_view name, const DenseNetwork& network) {
    const Entry* entry = find(name);
    BUNCH_CHECK(entry != nullptr);
    return in_fixed_point(network, entry->format);
}

Result<FpgaZooResult> write_fpga_zoo_model(std::string_view name, const std::string& folder,
                                           const FpgaZooOptions& options) {
    const Entry* entry = find(name);
    if (entry == nullptr) {
        std::string known;
        for (const Entry& one : entries()) known += (known.empty() ? "" : ", ") + one.model.name;
        return not_found("the zoo has no FPGA model '" + std::string(name) + "'; it has " + known);
    }
    const DenseNetwork network = fpga_zoo_network(name, options.seed);
    const fixed_point::DenseStack stack = fpga_zoo_stack(name, network);
    const std::vector<std::byte> weights = fixed_point::write_dense_stack(stack);
    BUNCH_ASSIGN_OR_RETURN(
        const auto xclbin,
        emulation::write_rows_design(
            {entry->model.name, options.rtl ? "dense_rtl" : "dense_stack", weights},
            options.units));

    const fs::path to(folder);
    std::error_code ignored;  // what cannot be made cannot be written to, either
    fs::create_directories(to, ignored);
    const auto path = [&](const char* ending) { return to / (entry->model.name + ending); };
    FpgaZooResult result;
    result.manifest = path(".toml").string();
    result.deviation = deviation_of(network, stack, kDeviationRows, options.seed);
    result.max_deviation = rounded_up(1.5 * result.deviation.largest);
    BUNCH_RETURN_IF_ERROR(write_file(path(".weights"), weights));
    BUNCH_RETURN_IF_ERROR(write_file(path(".xclbin"), xclbin));
    BUNCH_RETURN_IF_ERROR(write_onnx(network, entry->model.name, path(".onnx").string()));
    BUNCH_RETURN_IF_ERROR(write_file(to / "dense_net.svh", emulation::rtl_description(stack)));
    BUNCH_RETURN_IF_ERROR(write_file(to / "weights.hex", emulation::rtl_weights(stack)));
    BUNCH_RETURN_IF_ERROR(write_file(path(".toml"), manifest_of(*entry, result)));
    return result;
}

}  // namespace bunch
