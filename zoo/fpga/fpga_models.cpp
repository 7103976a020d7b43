#include "zoo/fpga/fpga_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/rtl/dense_rtl.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "backends/xrt/xclbin.h"
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
constexpr std::uint32_t kMaxUnits = 15;  // of an Alveo card's memory ports
constexpr std::uint64_t kBankBase = 0x4000000000;
constexpr std::uint64_t kBankBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kUnitBase = 0x1800000;
constexpr std::uint64_t kUnitBytes = 0x10000;

/// Up to two digits that count: 0.0137 becomes 0.014.
double rounded_up(double number) {
    const double unit = std::pow(10.0, std::floor(std::log10(number)) - 1);
    return std::ceil(number / unit) * unit;
}

/// FNV-1a, twice: equal designs have equal identities, so a card is not loaded anew for nothing.
fpga::Uuid uuid_of(std::span<const std::byte> bytes) {
    fpga::Uuid uuid{};
    for (std::size_t half = 0; half < 2; ++half) {
        std::uint64_t hash = 14695981039346656037U + half;
        for (const std::byte byte : bytes)
            hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 1099511628211U;
        for (std::size_t i = 0; i < 8; ++i)
            uuid[8 * half + i] = static_cast<std::uint8_t>(hash >> (8 * i));
    }
    return uuid;
}

/// `units` of kernel(rows, in, out), all on one bank of memory.
fpga::Xclbin design(const std::string& kernel, std::uint32_t units) {
    fpga::Xclbin made;
    made.platform = "bunch:emulated:card:1.0";
    made.memories = {{2, true, kBankBase, kBankBytes, "bank0"}};
    made.kernels = {{kernel,
                     {{"rows", false, emulation::kDenseRows, 4, "uint"},
                      {"in", true, emulation::kDenseIn, 8, "void*"},
                      {"out", true, emulation::kDenseOut, 8, "void*"}}}};
    for (std::uint32_t unit = 0; unit < units; ++unit) {
        made.units.push_back({1, 0, kUnitBase + unit * kUnitBytes,
                              fmt::format("{}:{}_{}", kernel, kernel, unit + 1)});
        made.connections.push_back({1, unit, 0});
        made.connections.push_back({2, unit, 0});
    }
    return made;
}

Result<std::vector<std::byte>> xclbin_of(const std::string& kernel,
                                         const std::vector<std::byte>& weights,
                                         const FpgaZooOptions& options) {
    const emulation::KernelImage image{kernel, options.rtl ? "dense_rtl" : "dense_stack", weights};
    const auto bitstream = emulation::write_bitstream(std::span(&image, 1));
    fpga::Xclbin made = design(kernel, options.units);
    made.uuid = uuid_of(bitstream);
    made.uuid[0] = static_cast<std::uint8_t>(made.uuid[0] ^ options.units);
    return fpga::write_xclbin(made, bitstream);
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
    if (options.units == 0 || options.units > kMaxUnits)
        return invalid_argument(fmt::format("{} compute units are not possible; write 1 to {}",
                                            options.units, kMaxUnits));
    const DenseNetwork network = fpga_zoo_network(name, options.seed);
    const fixed_point::DenseStack stack = fpga_zoo_stack(name, network);
    const std::vector<std::byte> weights = fixed_point::write_dense_stack(stack);
    BUNCH_ASSIGN_OR_RETURN(const auto xclbin, xclbin_of(entry->model.name, weights, options));

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
