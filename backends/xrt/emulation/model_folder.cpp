#include "backends/xrt/emulation/model_folder.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <span>

#include "backends/xrt/fixed_point/dense_file.h"
#include "backends/xrt/xclbin.h"
#include "core/check.h"

namespace bunch::emulation {
namespace {

fpga::Xclbin design_of(const FpgaFolder& folder) {
    fpga::Xclbin design;
    design.uuid[0] = folder.uuid;
    design.platform = "bunch:emulated:card:1.0";
    design.memories = {{2, true, 0x4000000000, folder.bank_bytes, "bank0"}};
    design.kernels = {{"k",
                       {{"rows", false, 0x10, 4, "uint"},
                        {"in", true, 0x18, 8, "void*"},
                        {"out", true, 0x24, 8, "void*"}}}};
    for (std::uint32_t unit = 0; unit < folder.units; ++unit) {
        design.units.push_back(
            {1, 0, 0x1800000 + 0x10000 * unit, "k:k_" + std::to_string(unit + 1)});
        design.connections.push_back({1, unit, 0});
        design.connections.push_back({2, unit, 0});
    }
    return design;
}

}  // namespace

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string write_model(const FpgaFolder& folder, const std::string& parent) {
    const std::filesystem::path path = std::filesystem::path(parent) / folder.name;
    std::filesystem::create_directories(path);
    const KernelImage image{"k", folder.model, folder.parameters};
    const auto file = fpga::write_xclbin(design_of(folder), write_bitstream({&image, 1}));
    BUNCH_CHECK(file.ok());
    std::ofstream(path / "model.xclbin", std::ios::binary)
        .write(reinterpret_cast<const char*>(file->data()),
               static_cast<std::streamsize>(file->size()));
    std::ofstream(path / "model.toml")
        << "xclbin = \"model.xclbin\"\nkernel = \"k\"\narguments = " << folder.arguments << '\n'
        << folder.manifest_head << "[[input]]\nname = \"x\"\n"
        << folder.input << "[[output]]\nname = \"y\"\n"
        << folder.output;
    return (path / "model.toml").string();
}

FpgaFolder copying_model(const std::string& name) {
    FpgaFolder folder;
    folder.name = name;
    folder.parameters = bytes_of("64 64");
    folder.manifest_head = "max_rows = 1024\n";
    folder.input = folder.output = "type = \"FP32\"\nshape = [-1, 16]\n";
    return folder;
}

DenseModel dense_model(const std::string& name, const std::vector<std::uint32_t>& widths,
                       std::uint32_t seed) {
    std::mt19937 random(seed);
    const FixedFormat format{16, 6, true, Rounding::truncate, Overflow::saturate};
    std::vector<fixed_point::DenseLayer> layers;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
        fixed_point::DenseLayer layer;
        layer.inputs = widths[i];
        layer.outputs = widths[i + 1];
        layer.activation = i + 2 < widths.size() ? fixed_point::StackActivation::relu
                                                 : fixed_point::StackActivation::none;
        layer.weight_format = layer.bias_format = layer.output_format = format;
        for (std::uint32_t k = 0; k < layer.inputs * layer.outputs; ++k)
            layer.weights.push_back(static_cast<std::int64_t>(random() % 1024) - 512);
        for (std::uint32_t k = 0; k < layer.outputs; ++k)
            layer.biases.push_back(static_cast<std::int64_t>(random() % 1024) - 512);
        layers.push_back(std::move(layer));
    }
    auto stack = fixed_point::DenseStack::make(format, std::move(layers));
    BUNCH_CHECK(stack.ok());
    FpgaFolder folder;
    folder.name = name;
    folder.model = "dense_stack";
    folder.parameters = fixed_point::write_dense_stack(*stack);
    folder.manifest_head = "max_rows = 256\n";
    const auto tensor = [](std::uint32_t width) {
        return "type = \"FP32\"\nshape = [-1, " + std::to_string(width) +
               "]\nformat = \"ap_fixed<16,6,AP_TRN,AP_SAT>\"\nrow_align = 8\n";
    };
    folder.input = tensor(widths.front());
    folder.output = tensor(widths.back());
    return {std::move(folder), std::move(*stack)};
}

ModelSpec fpga_spec(const std::string& name, const std::string& manifest, std::uint32_t rows) {
    ModelSpec spec;
    spec.name = name;
    spec.path = manifest;
    spec.max_batch_rows = rows;
    return spec;
}

}  // namespace bunch::emulation
