// The FPGA runner's backend, by the suite that every backend passes, over the real XRT and an
// emulated card.
#include "backends/xrt/xrt_backend.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "backends/xrt/emulation/arrangement.h"
#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/model_folder.h"
#include "backends/xrt/fixed_point/arithmetic.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "tests/backends/conformance.h"

namespace bunch::test {
namespace {

using emulation::arrange_cards;
using emulation::bytes_of;
using emulation::card_folder;
using emulation::copying_model;
using emulation::dense_model;
using emulation::DenseModel;
using emulation::fpga_spec;
using emulation::FpgaFolder;
using emulation::write_model;

const bool kArranged = [] {
    arrange_cards("[[card]]\nstate = \"card.state\"\n");
    return true;
}();

void copy_reference(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs) {
    std::copy(inputs[0].bytes.begin(), inputs[0].bytes.end(), outputs[0].bytes.begin());
}

/// Number by number, where the runner converts whole tensors and the kernel whole batches.
auto dense_reference(const fixed_point::DenseStack& stack) {
    return [stack](std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs) {
        const std::vector<float> in = floats_of(inputs[0]);
        std::vector<std::int64_t> row(stack.inputs()), result(stack.outputs());
        for (std::size_t i = 0; i < in.size() / stack.inputs(); ++i) {
            for (std::size_t k = 0; k < row.size(); ++k)
                row[k] = fixed_point::quantize(in[i * row.size() + k], stack.input_format());
            stack.run(row, result);
            for (std::size_t k = 0; k < result.size(); ++k) {
                const float value = fixed_point::to_float(result[k], stack.output_format());
                std::memcpy(outputs[0].bytes.data() + (i * result.size() + k) * sizeof value,
                            &value, sizeof value);
            }
        }
    };
}

std::vector<std::pair<ModelSpec, std::string>> unloadable() {
    FpgaFolder damaged = copying_model("damaged");
    const std::string damaged_path = write_model(damaged, card_folder());
    std::filesystem::resize_file(card_folder() + "/damaged/model.xclbin", 500);
    FpgaFolder wrong = copying_model("wrong");
    wrong.arguments = R"(["x", "rows", "y"])";
    return {
        {fpga_spec("absent", card_folder() + "/absent.toml", 8), "absent.toml: cannot be read"},
        {fpga_spec("damaged", damaged_path, 8), "damaged xclbin"},
        {fpga_spec("wrong", write_model(wrong, card_folder()), 8), "'rows', of kernel 'k' is a"}};
}

ConformanceSubject subject(const std::string& name, const FpgaFolder& folder, std::uint32_t rows,
                           BackendOptions options) {
    ConformanceSubject subject;
    subject.name = name;
    subject.make = make_xrt_backend;
    subject.options = std::move(options);
    subject.model = fpga_spec(name, write_model(folder, card_folder()), rows);
    subject.reference = copy_reference;
    subject.unloadable = unloadable();
    return subject;
}

/// Rows lie in the arena and go to the card from there.
ConformanceSubject in_place() {
    return subject("InPlace", copying_model("in_place"), 40, {{"lanes", "2"}, {"slots", "3"}});
}

/// The same, with other axes and padding on the card.
ConformanceSubject reordered() {
    FpgaFolder folder = copying_model("reordered");
    folder.uuid = 2;
    folder.parameters = bytes_of("96 96");
    folder.input = folder.output =
        "type = \"FP32\"\nshape = [-1, 3, 2, 3]\naxes = [2, 3, 1]\nrow_align = 32\n";
    return subject("Reordered", folder, 17, {});
}

/// A kernel that always takes the same number of rows.
ConformanceSubject fixed_rows() {
    FpgaFolder folder = copying_model("fixed_rows");
    folder.uuid = 3;
    folder.manifest_head = "max_rows = 12\nslots = 1\n";
    folder.arguments = R"([12, "x", "y"])";
    return subject("FixedRows", folder, 100, {{"slots", "8"}});
}

ConformanceSubject dense() {
    DenseModel model = dense_model("dense", {18, 31, 11, 3, 1}, 5);
    model.folder.uuid = 4;
    ConformanceSubject made = subject("Dense", model.folder, 33, {{"lanes", "2"}, {"slots", "4"}});
    made.reference = dense_reference(model.stack);
    made.scale = 4;
    return made;
}

/// FACILE computed by the RTL under Verilator, which was built for numbers that wrap.
ConformanceSubject dense_rtl() {
    DenseModel model = dense_model("dense_rtl", {18, 31, 11, 3, 1}, 6);
    const FixedFormat format{16, 6, true, Rounding::truncate, Overflow::wrap};
    std::vector<fixed_point::DenseLayer> layers = model.stack.layers();
    for (fixed_point::DenseLayer& layer : layers)
        layer.weight_format = layer.bias_format = layer.output_format = format;
    const auto stack = fixed_point::DenseStack::make(format, std::move(layers));
    model.folder.model = "dense_rtl";
    model.folder.uuid = 5;
    model.folder.parameters = fixed_point::write_dense_stack(*stack);
    model.folder.input =
        "type = \"FP32\"\nshape = [-1, 18]\nformat = \"ap_fixed<16,6>\"\nrow_align = 8\n";
    model.folder.output =
        "type = \"FP32\"\nshape = [-1, 1]\nformat = \"ap_fixed<16,6>\"\nrow_align = 8\n";
    ConformanceSubject made =
        subject("DenseRtl", model.folder, 33, {{"lanes", "2"}, {"slots", "4"}});
    made.reference = dense_reference(*stack);
    made.scale = 4;
    return made;
}

std::vector<ConformanceSubject> subjects() {
    std::vector<ConformanceSubject> all = {in_place(), reordered(), fixed_rows(), dense()};
    if (emulation::kernel_model_named("dense_rtl") != nullptr)
        all.push_back(dense_rtl());
    else
        std::puts("The RTL is left out: verilator was missing when this was built.");
    return all;
}

INSTANTIATE_TEST_SUITE_P(Xrt, BackendConformance, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace bunch::test
