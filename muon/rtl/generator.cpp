#include "muon/rtl/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "backends/xrt/emulation/rtl/kernel_files.h"
#include "muon/quantised/kernel_rows.h"
#include "muon/quantised/onnx_file.h"
#include "muon/records.h"
#include "muon/rtl/adder_graph.h"
#include "muon/rtl/kernel_text.h"
#include "muon/rtl/pipeline.h"
#include "muon/rtl/stream_text.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

using Signal = Pipeline::Signal;

/// A variable of a layer: `signal << shift`.
struct Feature {
    Signal signal = 0;
    int shift = 0;
};

/// sign * (signal << shift), while a sum is built.
struct Term {
    Signal signal = 0;
    int shift = 0;
    int sign = 1;
};

std::string shifted(const std::string& operand, int shift) {
    return shift == 0 ? operand : fmt::format("({} <<< {})", operand, shift);
}

/// a + b; what both are shifted by stays outside.
Term add(Pipeline& pipeline, const std::string& name, const Term& a, const Term& b) {
    const int common = std::min(a.shift, b.shift);
    const auto scaled = [&](const Term& term, std::int64_t number) {
        return number << (term.shift - common);
    };
    const std::int64_t a_low = scaled(a, pipeline.low(a.signal));
    const std::int64_t a_high = scaled(a, pipeline.high(a.signal));
    const std::int64_t b_low = scaled(b, pipeline.low(b.signal));
    const std::int64_t b_high = scaled(b, pipeline.high(b.signal));
    const std::string x = shifted("{0}", a.shift - common), y = shifted("{1}", b.shift - common);
    if (a.sign == b.sign)
        return {pipeline.logic(name, {a.signal, b.signal}, x + " + " + y, a_low + b_low,
                               a_high + b_high),
                common, a.sign};
    if (a.sign > 0)
        return {pipeline.logic(name, {a.signal, b.signal}, x + " - " + y, a_low - b_high,
                               a_high - b_low),
                common, 1};
    return {
        pipeline.logic(name, {a.signal, b.signal}, y + " - " + x, b_low - a_high, b_high - a_low),
        common, 1};
}

/// The sum of all terms, those that are there first added first.
Term add_all(Pipeline& pipeline, const std::string& name, std::vector<Term> terms) {
    const auto later = [&](const Term& a, const Term& b) {
        return std::pair(pipeline.stage(a.signal), pipeline.level(a.signal)) >
               std::pair(pipeline.stage(b.signal), pipeline.level(b.signal));
    };
    for (int number = 0; terms.size() > 1; ++number) {
        std::stable_sort(terms.begin(), terms.end(), later);
        const Term a = terms.back(), b = terms[terms.size() - 2];
        terms.resize(terms.size() - 2);
        terms.insert(terms.begin(), add(pipeline, fmt::format("{}_s{}", name, number), a, b));
    }
    return terms.front();
}

/// The sum as the number that it is, then rounded and shifted.
Signal settled(Pipeline& pipeline, const std::string& name, const Term& sum, int shift) {
    const std::int64_t low = pipeline.low(sum.signal) * (std::int64_t{1} << sum.shift);
    const std::int64_t high = pipeline.high(sum.signal) * (std::int64_t{1} << sum.shift);
    const std::int64_t least = sum.sign > 0 ? low : -high, most = sum.sign > 0 ? high : -low;
    const Signal whole =
        sum.sign > 0
            ? pipeline.wiring(name + "_sum", sum.signal, shifted("{0}", sum.shift), least, most)
            : pipeline.logic(name + "_sum", {sum.signal}, "-" + shifted("{0}", sum.shift), least,
                             most);
    return pipeline.wiring(name + "_shifted", whole, fmt::format("{{0}} >>> {}", shift),
                           least >> shift, most >> shift);
}

/// Cut to [0, limit] or [-limit, limit], and registered.
Signal cut(Pipeline& pipeline, const std::string& name, Signal y, bool hidden, std::int64_t limit) {
    const std::int64_t floor = hidden ? 0 : -limit;
    const std::int64_t low = std::clamp(pipeline.low(y), floor, limit);
    const std::int64_t high = std::clamp(pipeline.high(y), floor, limit);
    std::string text = "{0}";
    const auto number = [](std::int64_t n) {
        return n < 0 ? fmt::format("-{}'sd{}", signed_width(0, -n), -n)
                     : fmt::format("{}'sd{}", signed_width(0, n), n);
    };
    if (pipeline.high(y) > limit)
        text = fmt::format("{{0}} > {} ? {} : {}", number(limit), number(limit), text);
    if (pipeline.low(y) < floor)
        text = fmt::format("{{0}} < {} ? {} : {}", number(floor), number(floor), text);
    return pipeline.registered_logic(name, {y}, text, low, high);
}

std::string manifest_text(Task task, const Rtl& rtl, const std::string& identity) {
    const bool pair = task == Task::pair;
    nlohmann::json files;
    for (const RtlFile& file : files_of(rtl)) files[file.name] = hash_of(file.text);
    const nlohmann::json manifest = {
        {"task", name_of(task)},
        {"network", identity},
        {"files", files},
        {"latency_clocks", rtl.latency},
        {"input_bits", rtl.input_bits},
        {"output_bits", rtl.output_bits},
        {"input_fields",
         "phi 10, eta 9 signed, pt 9, charge 1, quality 4; first in the lowest bits"},
        {"outputs", pair ? "logit 12 signed, 1/64"
                         : "phi 12 signed, 1/16 unit; eta 12 signed, 1/16 unit; pt 9, 0.5 GeV"},
        {"kernel",
         {{"name", kKernelName},
          {"protocol", "ap_ctrl_hs"},
          {"registers", {{"rows", "0x10"}, {"in", "0x18"}, {"out", "0x24"}, {"errors", "0x30"}}},
          {"input_row_bytes", kernel_input_stride(task)},
          {"output_row_bytes", kernel_output_stride(task)}}},
        {"adders", rtl.adders},
        {"register_bits", rtl.register_bits}};
    return manifest.dump(2) + "\n";
}

class CoreWriter {
  public:
    explicit CoreWriter(const IntegerNetwork& network) : network_(network) {}

    Rtl make(const std::string& identity);

  private:
    std::vector<Feature> fold(const std::string& prefix);
    std::vector<Feature> fold_pair();
    std::vector<Feature> layer(const IntegerLayer& layer, std::size_t number,
                               const std::vector<Feature>& inputs);
    Signal unit(const IntegerLayer& layer, std::size_t o, const std::string& name,
                std::vector<Term> terms);
    std::vector<Signal> finish(const std::vector<Feature>& outputs);
    std::string module(const std::vector<std::string>& results, const std::vector<int>& widths,
                       const std::string& identity) const;

    const IntegerNetwork& network_;
    Pipeline pipeline_;
    std::string ports_;  ///< wires of the fields
    int input_bits_ = 0;
    int latency_ = 0;
    std::size_t adders_ = 0;
    Signal charge_ = 0, negative_ = 0, pt_ = 0;
};

std::vector<Feature> CoreWriter::fold(const std::string& p) {
    std::size_t next = 0;
    const auto field = [&](const char* name) {
        const int bits = kFieldBits[next];
        const bool is_signed = kLowestField[next++] < 0;
        ports_ += fmt::format("    wire signed [{}:0] {}{} = {{{}in_fields[{}:{}]}};\n",
                              is_signed ? bits - 1 : bits, p, name, is_signed ? "" : "1'b0, ",
                              input_bits_ + bits - 1, input_bits_);
        input_bits_ += bits;
        const std::int64_t most = (std::int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
        return pipeline_.given(p + name, is_signed ? -most - 1 : 0, most);
    };
    const Signal phi = field("phi"), eta = field("eta");
    pt_ = field("pt");
    charge_ = field("charge");
    const Signal quality = field("quality");
    pipeline_.comment("Fold: what the network sees of a muon.");
    const auto early = [&](const char* name, Signal from, const std::string& text,
                           std::int64_t high) {
        return pipeline_.registered_logic(p + name, {from}, text, 0, high);
    };
    const Signal quarter = early("phi_quarter", phi, "{0} >>> 2", 255);
    const Signal size =
        early("eta_size", eta, "{0} == -9'sd256 ? 9'sd255 : {0} < 0 ? -{0} : {0}", 255);
    const Signal log = early("pt_log", pt_, "{1'b0, pt_log2({0}[8:0])}", 255);
    negative_ = early("eta_negative", eta, "{1'b0, {0} < 0}", 1);
    const Signal kept_charge = early("charge_kept", charge_, "{0}", 1);
    const Signal kept_quality = early("quality_kept", quality, "{0}", 15);
    return {{quarter, 0}, {size, 0}, {log, 0}, {kept_quality, 4}, {kept_charge, 7}, {negative_, 7}};
}

std::vector<Feature> CoreWriter::fold_pair() {
    std::vector<Feature> all = fold("first_");
    for (const Feature& feature : fold("second_")) all.push_back(feature);
    const auto wire = [&](const char* name, std::int64_t low, std::int64_t high) {
        return pipeline_.given(name, low, high);
    };
    const Signal phi1 = wire("first_phi", 0, 1023), phi2 = wire("second_phi", 0, 1023);
    const Signal eta1 = wire("first_eta", -256, 255), eta2 = wire("second_eta", -256, 255);
    const auto size = [&](const char* name, Signal a, Signal b, std::int64_t most) {
        const std::string text = name;
        const Signal difference =
            pipeline_.logic(text + "_difference", {a, b}, "{0} - {1}", -most, most);
        return pipeline_.logic(text + "_apart", {difference}, "{0} < 0 ? -{0} : {0}", 0, most);
    };
    const Signal phi = size("phi", phi1, phi2, 1023), eta = size("eta", eta1, eta2, 511);
    const Signal other = pipeline_.logic("phi_other_way", {phi}, "11'sd576 - {0}", 576 - 1023, 576);
    const Signal between =
        pipeline_.registered_logic("phi_between_half", {phi, other},
                                   "({1} < 0 ? 11'sd0 : {0} < {1} ? {0} : {1}) >>> 1", 0, 255);
    const Signal eta_half =
        pipeline_.registered_logic("eta_apart_half", {eta}, "{0} >>> 1", 0, 255);
    all.push_back({between, 0});
    all.push_back({eta_half, 0});
    return all;
}

Signal CoreWriter::unit(const IntegerLayer& layer, std::size_t o, const std::string& name,
                        std::vector<Term> terms) {
    const int shift = layer.shifts[o];
    const std::int64_t constant = std::int64_t{layer.biases[o]} + (std::int64_t{1} << (shift - 1));
    if (constant != 0 || terms.empty())
        terms.push_back({pipeline_.constant(std::abs(constant)), 0, constant < 0 ? -1 : 1});
    std::string weights;
    for (std::size_t i = 0; i < layer.inputs; ++i)
        weights += fmt::format(" {}", layer.weights[o * layer.inputs + i]);
    pipeline_.comment(
        fmt::format("{}: weights{}, bias {}, shift {}", name, weights, layer.biases[o], shift));
    return settled(pipeline_, name, add_all(pipeline_, name, std::move(terms)), shift);
}

std::vector<Feature> CoreWriter::layer(const IntegerLayer& layer, std::size_t number,
                                       const std::vector<Feature>& inputs) {
    AdderGraph graph{layer.inputs, {}, {}};
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        auto& sum = graph.sums.emplace_back();
        for (std::size_t i = 0; i < layer.inputs; ++i)
            for (const Digit& digit :
                 signed_digits(i, layer.weights[o * layer.inputs + i], inputs[i].shift))
                sum.push_back(digit);
    }
    share(graph);
    adders_ += graph.adders();
    std::vector<Term> variables;
    for (const Feature& input : inputs) variables.push_back({input.signal, 0, 1});
    const auto term = [&](const Digit& digit) {
        const Term& variable = variables[digit.variable];
        return Term{variable.signal, variable.shift + digit.shift, variable.sign * digit.sign};
    };
    pipeline_.comment(fmt::format("Layer {}: {} to {}, {} adders, {} of them shared.", number,
                                  layer.inputs, layer.outputs, graph.adders(),
                                  graph.shared.size()));
    for (const auto& [a, b] : graph.shared)
        variables.push_back(add(
            pipeline_, fmt::format("layer{}_shared{}", number, variables.size() - inputs.size()),
            term(a), term(b)));
    const bool last = number + 1 == network_.layers.size();
    std::vector<Feature> outputs;
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        std::vector<Term> terms;
        for (const Digit& digit : graph.sums[o]) terms.push_back(term(digit));
        const std::string name = fmt::format("layer{}_unit{}", number, o);
        const Signal y = unit(layer, o, name, std::move(terms));
        const std::int64_t limit =
            last ? kOutputLimit : (std::int64_t{1} << network_.activation_bits) - 1;
        outputs.push_back({cut(pipeline_, name, y, !last, limit), 0});
    }
    return outputs;
}

std::vector<Signal> CoreWriter::finish(const std::vector<Feature>& outputs) {
    if (network_.task == Task::pair) return {outputs[0].signal};
    pipeline_.comment("Un-fold, and the corrected momentum: product and sum have registers.");
    const Signal phi = outputs[0].signal, eta = outputs[1].signal, ratio = outputs[2].signal;
    const auto negated = [&](const char* name, Signal y, Signal by, const char* text) {
        return pipeline_.registered_logic(name, {y, by}, text, -kOutputLimit, kOutputLimit);
    };
    const Signal phi_correction = negated("phi_correction", phi, charge_, "{1} == 0 ? -{0} : {0}");
    const Signal eta_correction =
        negated("eta_correction", eta, negative_, "{1} != 0 ? -{0} : {0}");
    const Signal factor = pipeline_.registered_logic(
        "factor", {ratio}, "{0} < -13'sd256 ? 13'sd0 : {0} + 13'sd256", 0, kOutputLimit + 256);
    const Signal product = pipeline_.registered_logic("pt_product", {pt_, factor}, "{0} * {1}", 0,
                                                      std::int64_t{kMaxPt} * (kOutputLimit + 256));
    const Signal rounded = pipeline_.logic("pt_rounded", {product}, "({0} + 22'sd128) >>> 8", 0,
                                           (kMaxPt * (kOutputLimit + 256) + 128) >> 8);
    const Signal pt = pipeline_.registered_logic("pt_corrected", {rounded},
                                                 "{0} > 14'sd511 ? 14'sd511 : {0}", 0, kMaxPt);
    return {phi_correction, eta_correction, pt};
}

std::string CoreWriter::module(const std::vector<std::string>& results,
                               const std::vector<int>& widths, const std::string& identity) const {
    std::string text = fmt::format(
        "// Made by 'bunch-muon rtl' of the network {} ({}); do not edit.\n"
        "// Takes one sample per clock; its result is there {} clocks later.\n"
        "module muon_core (\n    input  wire clk,\n    input  wire [{}:0] in_fields,\n"
        "    output wire [{}:0] out_results\n);\n",
        identity, name_of(network_.task), latency_, input_bits_ - 1,
        std::accumulate(widths.begin(), widths.end(), 0) - 1);
    text +=
        "    // 255 / 9 for every factor of two.\n    function [7:0] pt_log2(input [8:0] pt);\n"
        "        case (pt)\n";
    for (std::size_t pt = 0; pt < pt_table().size(); ++pt)
        text += fmt::format("            9'd{}: pt_log2 = 8'd{};\n", pt, pt_table()[pt]);
    text += "        endcase\n    endfunction\n\n" + ports_ + pipeline_.wires();
    text += "\n    always @(posedge clk) begin\n" + pipeline_.clocked() + "    end\n\n";
    std::string packed;
    for (std::size_t i = results.size(); i-- > 0;)
        packed += fmt::format("{}{}[{}:0]", packed.empty() ? "" : ", ", results[i], widths[i] - 1);
    return text + "    assign out_results = {" + packed + "};\nendmodule\n";
}

Rtl CoreWriter::make(const std::string& identity) {
    std::vector<Feature> values = network_.task == Task::pair ? fold_pair() : fold("");
    for (std::size_t l = 0; l < network_.layers.size(); ++l)
        values = layer(network_.layers[l], l, values);
    const std::vector<Signal> outputs = finish(values);
    latency_ = 2;  // the stream needs as much, even where no output depends on an input
    for (const Signal output : outputs) latency_ = std::max(latency_, pipeline_.stage(output) + 1);
    std::vector<std::string> results;
    std::vector<int> widths;
    for (const Signal output : outputs) {
        // Ports are as wide as the format says, even if this network does not use all of it.
        const bool momentum = outputs.size() == 3 && results.size() == 2;
        widths.push_back(momentum ? 9 : 12);
        const Signal wide = pipeline_.logic(fmt::format("result{}", results.size()), {output},
                                            "{0}", momentum ? 0 : -2048, momentum ? 511 : 2047);
        results.push_back(pipeline_.at(wide, latency_));
    }
    Rtl rtl;
    rtl.latency = latency_;
    rtl.input_bits = input_bits_;
    rtl.output_bits = std::accumulate(widths.begin(), widths.end(), 0);
    rtl.adders = adders_;
    rtl.register_bits = pipeline_.register_bits();
    rtl.core = module(results, widths, identity);
    rtl.stream = stream_text(rtl.input_bits, rtl.output_bits, rtl.latency);
    rtl.kernel = kernel_text(network_.task, identity, rtl.input_bits, rtl.output_bits);
    rtl.manifest = manifest_text(network_.task, rtl, identity);
    return rtl;
}

}  // namespace

Rtl make_rtl(const IntegerNetwork& network, const std::string& identity) {
    return CoreWriter(network).make(identity);
}

std::vector<RtlFile> files_of(const Rtl& rtl) {
    std::vector<RtlFile> files = {{"muon_core.sv", rtl.core},
                                  {"muon_stream.sv", rtl.stream},
                                  {"muon_kernel.sv", rtl.kernel},
                                  {"kernel.xml", kernel_xml()}};
    for (const emulation::KernelFile& file : emulation::kernel_rtl_files())
        files.push_back({file.name, file.text});
    return files;
}

Status write_rtl(const std::string& folder, const Rtl& rtl) {
    for (const char* of_older : {"/manifest.json", "/rtl.json", "/verify.json"})
        BUNCH_RETURN_IF_ERROR(remove_record(folder + of_older));
    for (const RtlFile& file : files_of(rtl))
        BUNCH_RETURN_IF_ERROR(write_text(folder + "/" + file.name, file.text));
    return write_text(folder + "/manifest.json", rtl.manifest);
}

Result<RtlManifest> read_manifest(const std::string& folder, const std::string& identity) {
    const std::string path = folder + "/manifest.json";
    BUNCH_ASSIGN_OR_RETURN(const std::string text, read_text(path));
    RtlManifest manifest;
    try {
        const auto json = nlohmann::json::parse(text);
        if (json.at("network") != identity)
            return invalid_argument("'" + path + "' is of the network " +
                                    json.at("network").get<std::string>() + ", not " + identity +
                                    "; make the RTL again with 'bunch-muon rtl'");
        for (const auto& [file, hash] : json.at("files").items()) {
            BUNCH_ASSIGN_OR_RETURN(std::string content, read_text(folder + "/" + file));
            if (hash != hash_of(content))
                return invalid_argument(
                    "'" + folder + "/" + file + "' is not what '" + path +
                    "' was written for; make the RTL again with 'bunch-muon rtl'");
            if (file == "muon_core.sv") manifest.core = std::move(content);
            if (file == "muon_stream.sv") manifest.stream = std::move(content);
        }
        if (manifest.core.empty() || manifest.stream.empty())
            return invalid_argument("'" + path +
                                    "' lacks muon_core.sv or muon_stream.sv; make the RTL again "
                                    "with 'bunch-muon rtl'");
        manifest.latency = json.at("latency_clocks").get<int>();
        manifest.input_bits = json.at("input_bits").get<int>();
        manifest.output_bits = json.at("output_bits").get<int>();
    } catch (const nlohmann::json::exception& error) {
        return invalid_argument("'" + path + "' is no manifest: " + error.what());
    }
    return manifest;
}

Result<Rtl> read_rtl(const std::string& folder, const std::string& identity, Rtl made) {
    BUNCH_ASSIGN_OR_RETURN(RtlManifest manifest, read_manifest(folder, identity));
    if (manifest.latency != made.latency || manifest.input_bits != made.input_bits ||
        manifest.output_bits != made.output_bits)
        return invalid_argument(fmt::format(
            "'{}/manifest.json' says latency {}, {} bits in, {} out; the network has {}, {} and "
            "{}; make the RTL again with 'bunch-muon rtl'",
            folder, manifest.latency, manifest.input_bits, manifest.output_bits, made.latency,
            made.input_bits, made.output_bits));
    made.core = std::move(manifest.core);
    made.stream = std::move(manifest.stream);
    return made;
}

}  // namespace bunch::muon
