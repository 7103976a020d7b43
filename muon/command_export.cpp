#include <fmt/format.h>

#include <memory>

#include "muon/commands.h"
#include "muon/quantised/freeze.h"
#include "muon/quantised/onnx_file.h"
#include "muon/run_folder.h"

namespace bunch::muon {
namespace {

Status export_command(const std::string& folder, const std::string& file) {
    BUNCH_ASSIGN_OR_RETURN(const TrainedRun run, read_run(folder));
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, freeze(run.model, run.task));
    BUNCH_RETURN_IF_ERROR(write_onnx(file, network));
    fmt::print("{}: {}, {} weights that are not zero, {} bits, identity {}\n", file,
               name_of(run.task), network.nonzero_weights(), network.weight_bits(),
               hash_of(onnx_bytes(network)));
    return ok_status();
}

}  // namespace

void add_export_command(CLI::App& app, Action& chosen) {
    auto folder = std::make_shared<std::string>();
    auto file = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand(
        "export", "A compressed network as ONNX (QDQ, raw fields to the hardware's integers)");
    command->add_option("run", *folder, "Folder of 'bunch-muon compress'")->required();
    command->add_option("--out", *file, "ONNX file")->required();
    command->callback([folder, file, &chosen] {
        chosen = [folder, file] { return export_command(*folder, *file); };
    });
}

}  // namespace bunch::muon
