#include "muon/kernel_folder.h"

#include <fmt/format.h>

#include <span>
#include <vector>

#include "backends/xrt/emulation/rows_design.h"
#include "muon/quantised/kernel_rows.h"
#include "muon/quantised/onnx_file.h"
#include "muon/records.h"
#include "muon/rtl/compiled_kernel.h"
#include "muon/rtl/generator.h"
#include "muon/rtl/kernel_text.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kLongestName = 40;

bool is_file_name(const std::string& name) {
    constexpr const char* kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return !name.empty() && name.size() <= kLongestName &&
           name.find_first_not_of(kAllowed) == std::string::npos;
}

/// The xclbin's bytes.
Result<std::string> xclbin_of(const IntegerNetwork& network, const Rtl& rtl,
                              const KernelFolderOptions& options) {
    std::string parameters = onnx_bytes(network);
    if (options.rtl) {
        BUNCH_ASSIGN_OR_RETURN(parameters, compile_kernel(rtl));
    }
    const auto bytes = std::as_bytes(std::span(parameters));
    BUNCH_ASSIGN_OR_RETURN(const auto file, emulation::write_rows_design(
                                                {kKernelName,
                                                 options.rtl ? "compiled_rtl" : "muon_integers",
                                                 {bytes.begin(), bytes.end()}},
                                                options.units));
    return std::string(reinterpret_cast<const char*>(file.data()), file.size());
}

std::string tensor_text(const char* kind, const std::string& name, std::size_t columns) {
    return fmt::format(
        "\n[[{}]]\nname = \"{}\"\ntype = \"INT32\"\nshape = [-1, {}]\n"
        "format = \"ap_fixed<16,16,AP_TRN,AP_SAT>\"\nrow_align = {}\n",
        kind, name, columns, kKernelRowAlign);
}

std::string manifest_text(const IntegerNetwork& network, const std::string& identity,
                          const std::string& xclbin, const KernelFolderOptions& options) {
    const std::string& name = options.name;
    const std::string output = network.task == Task::pair ? "logit" : "corrected";
    return fmt::format(
               "# The network {} ({}), written by 'bunch-muon kernel'.\n"
               "xclbin = \"{}.xclbin\"\nxclbin_hash = \"{}\"\nkernel = \"{}\"\n"
               "arguments = [\"rows\", \"fields\", \"{}\"]\nmax_rows = 16384\nslots = 4\n"
               "time_limit = \"30s\"\n",
               identity, name_of(network.task), name, hash_of(xclbin), kKernelName, output) +
           tensor_text("input", "fields", input_count(network.task, Encoding::raw)) +
           tensor_text("output", output, output_count(network.task)) +
           fmt::format(
               "\n# The same integers: every bit is equal.\n[twin]\npath = \"{}.onnx\"\n"
               "hash = \"{}\"\nmax_deviation = 0\n",
               name, identity);
}

}  // namespace

Result<std::string> write_kernel_folder(const std::string& folder, const IntegerNetwork& network,
                                        const KernelFolderOptions& options) {
    if (!is_file_name(options.name))
        return invalid_argument("'" + options.name +
                                "' cannot name the model's files; write up to 40 letters, digits, "
                                "'_' and '-'");
    BUNCH_RETURN_IF_ERROR(emulation::check_units(options.units));
    const std::string onnx = onnx_bytes(network), identity = hash_of(onnx);
    const Rtl rtl = make_rtl(network, identity);
    BUNCH_ASSIGN_OR_RETURN(const std::string xclbin, xclbin_of(network, rtl, options));
    const std::string stem = folder + "/" + options.name;
    BUNCH_RETURN_IF_ERROR(remove_record(stem + ".toml"));
    BUNCH_RETURN_IF_ERROR(write_rtl(folder + "/rtl", rtl));
    BUNCH_RETURN_IF_ERROR(write_text(stem + ".onnx", onnx));
    BUNCH_RETURN_IF_ERROR(write_text(stem + ".xclbin", xclbin));
    BUNCH_RETURN_IF_ERROR(
        write_text(stem + ".toml", manifest_text(network, identity, xclbin, options)));
    return stem + ".toml";
}

}  // namespace bunch::muon
