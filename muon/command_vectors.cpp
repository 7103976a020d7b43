// `bunch-muon vectors`: what another executor has to compute, as .npy files.
#include <fmt/format.h>

#include <memory>

#include "muon/commands.h"
#include "muon/quantised/onnx_file.h"
#include "muon/vectors.h"

namespace bunch::muon {
namespace {

struct Options {
    std::string model, folder;
    std::size_t vectors = 1'000'000;
    std::uint64_t seed = 1;
};

Status vectors_command(const Options& options) {
    BUNCH_ASSIGN_OR_RETURN(const IntegerNetwork network, read_onnx(options.model));
    BUNCH_RETURN_IF_ERROR(write_vectors(options.folder, network, options.vectors, options.seed));
    fmt::print("{}: {} vectors of the network {}\n", options.folder, options.vectors,
               hash_of(onnx_bytes(network)));
    return ok_status();
}

}  // namespace

void add_vectors_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "vectors", "Random fields and what the integers make of them, for tools/muon_gpu_check");
    command->add_option("model", options->model, "ONNX file of 'bunch-muon export'")->required();
    command->add_option("--out", options->folder, "Folder for fields.npy and expected.npy")
        ->required();
    command->add_option("--vectors", options->vectors, "How many")
        ->capture_default_str()
        ->check(CLI::Range(1, kMostVectors));
    command->add_option("--seed", options->seed, "Of the fields")->capture_default_str();
    command->callback(
        [options, &chosen] { chosen = [options] { return vectors_command(*options); }; });
}

}  // namespace bunch::muon
