// `bunch-muon kernel`: an ONNX file to the folder of a model that bunchd serves on an FPGA card.
#include <fmt/format.h>

#include <memory>

#include "muon/commands.h"
#include "muon/kernel_folder.h"
#include "muon/progress.h"
#include "muon/quantised/onnx_file.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string model, folder;
    KernelFolderOptions kernel;
};

Status kernel_command(const Options& options) {
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, read_onnx(options.model));
    Progress bar(options.kernel.rtl ? "kernel, by verilator" : "kernel");
    const auto manifest = write_kernel_folder(options.folder, network, options.kernel);
    bar.end(manifest.ok() ? "done" : "failed");
    if (!manifest.ok()) return manifest.status();
    fmt::print("{}: {} of the network {}, {} of 'muon_kernel'\n", *manifest, name_of(network.task),
               hash_of(onnx_bytes(network)), options.kernel.rtl ? "RTL" : "a C++ model");
    return ok_status();
}

}  // namespace

void add_kernel_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "kernel", "A model for bunchd on an emulated FPGA card, with its RTL and its CPU twin");
    command->add_option("model", options->model, "ONNX file of 'bunch-muon export'")->required();
    command->add_option("--out", options->folder, "Folder for the model")->required();
    command->add_option("--name", options->kernel.name, "Of its files")->capture_default_str();
    command->add_option("--units", options->kernel.units, "Compute units")->capture_default_str();
    command->add_flag("--rtl", options->kernel.rtl,
                      "The card runs the RTL under Verilator, not the integers in C++");
    command->callback(
        [options, &chosen] { chosen = [options] { return kernel_command(*options); }; });
}

}  // namespace bunch::muon
