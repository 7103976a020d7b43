#include "muon/rtl/kernel_text.h"

#include <fmt/format.h>

#include <array>

#include "muon/quantised/kernel_rows.h"
#include "muon/rtl/text_marks.h"

namespace bunch::muon {
namespace {

// Marks in capitals between @ are replaced.
constexpr const char* kKernel =
    R"sv(// Made by 'bunch-muon rtl' of the network @IDENTITY@ (@TASK@); do not edit.
// A kernel for XRT: muon_kernel(rows, in, out). Registers as in axi_lite_control.sv.
//
//     memory -> axi_row_reader -> cut to the wires -> muon_stream -> axi_row_writer -> memory
//
// A row of 'in' is @FIELDS@ fields as INT16, in @IN_BYTES@ bytes; a row of 'out' is @RESULTS@ as INT16, in
// @OUT_BYTES@ bytes. Both addresses are multiples of 64. One row per clock, as long as the memory keeps up.
module muon_kernel (
    input  wire         ap_clk,
    input  wire         ap_rst_n,
    input  wire [ 11:0] s_axi_control_awaddr,
    input  wire         s_axi_control_awvalid,
    output wire         s_axi_control_awready,
    input  wire [ 31:0] s_axi_control_wdata,
    input  wire [  3:0] s_axi_control_wstrb,
    input  wire         s_axi_control_wvalid,
    output wire         s_axi_control_wready,
    output wire [  1:0] s_axi_control_bresp,
    output wire         s_axi_control_bvalid,
    input  wire         s_axi_control_bready,
    input  wire [ 11:0] s_axi_control_araddr,
    input  wire         s_axi_control_arvalid,
    output wire         s_axi_control_arready,
    output wire [ 31:0] s_axi_control_rdata,
    output wire [  1:0] s_axi_control_rresp,
    output wire         s_axi_control_rvalid,
    input  wire         s_axi_control_rready,
    /* verilator lint_off SYMRSVDWORD */
    output wire         interrupt,
    /* verilator lint_on SYMRSVDWORD */
    output wire [ 63:0] m_axi_gmem_araddr,
    output wire [  7:0] m_axi_gmem_arlen,
    output wire [  2:0] m_axi_gmem_arsize,
    output wire [  1:0] m_axi_gmem_arburst,
    output wire         m_axi_gmem_arvalid,
    input  wire         m_axi_gmem_arready,
    input  wire [511:0] m_axi_gmem_rdata,
    input  wire [  1:0] m_axi_gmem_rresp,
    input  wire         m_axi_gmem_rlast,
    input  wire         m_axi_gmem_rvalid,
    output wire         m_axi_gmem_rready,
    output wire [ 63:0] m_axi_gmem_awaddr,
    output wire [  7:0] m_axi_gmem_awlen,
    output wire [  2:0] m_axi_gmem_awsize,
    output wire [  1:0] m_axi_gmem_awburst,
    output wire         m_axi_gmem_awvalid,
    input  wire         m_axi_gmem_awready,
    output wire [511:0] m_axi_gmem_wdata,
    output wire [ 63:0] m_axi_gmem_wstrb,
    output wire         m_axi_gmem_wlast,
    output wire         m_axi_gmem_wvalid,
    input  wire         m_axi_gmem_wready,
    input  wire [  1:0] m_axi_gmem_bresp,
    input  wire         m_axi_gmem_bvalid,
    output wire         m_axi_gmem_bready
);
    reg rst;
    always @(posedge ap_clk) rst <= !ap_rst_n;

    assign m_axi_gmem_arsize = 3'd6;  // whole beats, addresses counting up
    assign m_axi_gmem_arburst = 2'b01;
    assign m_axi_gmem_awsize = 3'd6;
    assign m_axi_gmem_awburst = 2'b01;

    // A run: the arguments are taken with 'begins', and 'done' says that all is in memory. With an
    // address that no beat begins at, a run ends with an error and none of its rows.
    wire start, done, read_error, write_error;
    wire [31:0] rows;
    wire [63:0] in_address, out_address;
    reg busy /* verilator public_flat_rd */;
    reg in_off_beat, out_off_beat;
    wire begins = start && !busy;
    wire fits = in_address[5:0] == 6'd0 && out_address[5:0] == 6'd0;
    wire [31:0] run_rows = fits ? rows : 32'd0;
    always @(posedge ap_clk) begin
        if (rst || done) busy <= 1'b0;
        else if (begins) busy <= 1'b1;
        if (begins) in_off_beat <= in_address[5:0] != 6'd0;
        if (begins) out_off_beat <= out_address[5:0] != 6'd0;
        if (rst) {in_off_beat, out_off_beat} <= 2'b00;
    end

    axi_lite_control control (
        .clk(ap_clk), .rst(rst),
        .awaddr(s_axi_control_awaddr), .awvalid(s_axi_control_awvalid),
        .awready(s_axi_control_awready), .wdata(s_axi_control_wdata),
        .wstrb(s_axi_control_wstrb), .wvalid(s_axi_control_wvalid),
        .wready(s_axi_control_wready), .bresp(s_axi_control_bresp),
        .bvalid(s_axi_control_bvalid), .bready(s_axi_control_bready),
        .araddr(s_axi_control_araddr), .arvalid(s_axi_control_arvalid),
        .arready(s_axi_control_arready), .rdata(s_axi_control_rdata),
        .rresp(s_axi_control_rresp), .rvalid(s_axi_control_rvalid),
        .rready(s_axi_control_rready), .interrupt(interrupt),
        .start(start), .ready(begins), .done(done), .idle(!busy),
        .errors({write_error || out_off_beat, read_error || in_off_beat}),
        .rows(rows), .in_address(in_address), .out_address(out_address)
    );

    /* verilator lint_off UNUSEDSIGNAL */
    wire [@IN_HIGH@:0] row;  // with the padding
    /* verilator lint_on UNUSEDSIGNAL */
    wire row_valid, row_ready;
    axi_row_reader #(.DATA_BITS(512), .ROW_LANES(32'd@IN_LANES@)) reader (
        .clk(ap_clk), .rst(rst), .start(begins), .address(in_address), .rows(run_rows),
        .error(read_error),
        .araddr(m_axi_gmem_araddr), .arlen(m_axi_gmem_arlen), .arvalid(m_axi_gmem_arvalid),
        .arready(m_axi_gmem_arready), .rdata(m_axi_gmem_rdata), .rresp(m_axi_gmem_rresp),
        .rlast(m_axi_gmem_rlast), .rvalid(m_axi_gmem_rvalid), .rready(m_axi_gmem_rready),
        .row(row), .row_valid(row_valid), .row_ready(row_ready)
    );

    // Fields beyond their wires become the nearest that those can carry.
@CUTS@
    // A register of its own: what is cut here would otherwise be in the first clock of the core.
    reg [@STREAM_IN_HIGH@:0] fields;
    reg fields_valid;
    wire fields_ready;
    assign row_ready = !fields_valid || fields_ready;
    always @(posedge ap_clk) begin
        if (row_ready) fields <= {@PACKED@};
        if (rst) fields_valid <= 1'b0;
        else if (row_ready) fields_valid <= row_valid;
    end

    /* verilator lint_off UNUSEDSIGNAL */
    wire [@STREAM_OUT_HIGH@:0] results;
    wire unused_last;
    /* verilator lint_on UNUSEDSIGNAL */
    wire results_valid, results_ready;
    muon_stream stream (
        .clk(ap_clk), .rst_n(!rst), .s_axis_tdata(fields), .s_axis_tvalid(fields_valid),
        .s_axis_tready(fields_ready), .s_axis_tlast(1'b0), .m_axis_tdata(results),
        .m_axis_tvalid(results_valid), .m_axis_tready(results_ready), .m_axis_tlast(unused_last)
    );

    axi_row_writer #(.DATA_BITS(512), .ROW_LANES(32'd1)) writer (
        .clk(ap_clk), .rst(rst), .start(begins), .address(out_address), .rows(run_rows),
        .done(done), .error(write_error),
        .awaddr(m_axi_gmem_awaddr), .awlen(m_axi_gmem_awlen), .awvalid(m_axi_gmem_awvalid),
        .awready(m_axi_gmem_awready), .wdata(m_axi_gmem_wdata), .wstrb(m_axi_gmem_wstrb),
        .wlast(m_axi_gmem_wlast), .wvalid(m_axi_gmem_wvalid), .wready(m_axi_gmem_wready),
        .bresp(m_axi_gmem_bresp), .bvalid(m_axi_gmem_bvalid), .bready(m_axi_gmem_bready),
        .row({@STORED@}), .row_valid(results_valid), .row_ready(results_ready)
    );
endmodule
)sv";

constexpr const char* kXml = R"xml(<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by 'bunch-muon rtl'; do not edit. -->
<root versionMajor="1" versionMinor="6">
  <kernel name="muon_kernel" language="ip_c" vlnv="bunch:kernel:muon_kernel:1.0" attributes=""
          preferredWorkGroupSizeMultiple="0" workGroupSize="1" interrupt="true"
          hwControlProtocol="ap_ctrl_hs">
    <ports>
      <port name="s_axi_control" mode="slave" range="0x1000" dataWidth="32" portType="addressable"
            base="0x0"/>
      <port name="m_axi_gmem" mode="master" range="0xFFFFFFFFFFFFFFFF" dataWidth="512"
            portType="addressable" base="0x0"/>
    </ports>
    <args>
      <arg name="rows" addressQualifier="0" id="0" port="s_axi_control" size="0x4" offset="0x10"
           type="uint" hostOffset="0x0" hostSize="0x4"/>
      <arg name="in" addressQualifier="1" id="1" port="m_axi_gmem" size="0x8" offset="0x18"
           type="void*" hostOffset="0x0" hostSize="0x8"/>
      <arg name="out" addressQualifier="1" id="2" port="m_axi_gmem" size="0x8" offset="0x24"
           type="void*" hostOffset="0x0" hostSize="0x8"/>
    </args>
  </kernel>
</root>
)xml";

struct Wire {
    const char* name;
    int bits;
    bool is_signed;
};
constexpr std::array<Wire, kMuonFields> kWires = {{{"phi", 10, false},
                                                   {"eta", 9, true},
                                                   {"pt", 9, false},
                                                   {"charge", 1, false},
                                                   {"quality", 4, false}}};

/// Declares NAME, which is field `index` of the row, cut to what its wire can carry.
std::string cut(const std::string& name, const Wire& wire, std::size_t index) {
    const int low = wire.is_signed ? -(1 << (wire.bits - 1)) : 0;
    const int high = low + (1 << wire.bits) - 1;
    const std::string lowest =
        low < 0 ? fmt::format("-16'sd{}", -low) : fmt::format("16'sd{}", low);
    return fmt::format(
        "    wire signed [15:0] {0}_wide = row[{1}:{2}];\n"
        "    wire [{3}:0] {0} =\n"
        "        {0}_wide < {4} ? {5}'d{6} : {0}_wide > 16'sd{7} ? {5}'d{7} : {0}_wide[{3}:0];\n",
        name, 16 * index + 15, 16 * index, wire.bits - 1, lowest, wire.bits,
        low < 0 ? 1 << (wire.bits - 1) : 0, high);
}

/// Bits `from` and up of the results as INT16.
std::string widened(int from, int bits, bool is_signed) {
    const int top = from + bits - 1;
    if (is_signed)
        return fmt::format("{{{}{{results[{}]}}}}, results[{}:{}]", 16 - bits, top, top, from);
    return fmt::format("{}'d0, results[{}:{}]", 16 - bits, top, from);
}

void fill_fields(std::string& text, Task task, int input_bits) {
    const bool pair = task == Task::pair;
    std::string cuts, packed;
    for (std::size_t i = 0; i < input_count(task, Encoding::raw); ++i) {
        const Wire& wire = kWires[i % kMuonFields];
        const std::string muon = !pair ? "" : i < kMuonFields ? "first_" : "second_";
        cuts += cut(muon + wire.name, wire, i);
        packed = muon + wire.name + (packed.empty() ? "" : ", ") + packed;
    }
    const int stream_bits = (input_bits + 7) / 8 * 8;
    if (stream_bits > input_bits)
        packed = fmt::format("{}'d0, ", stream_bits - input_bits) + packed;
    fill_mark(text, "CUTS", cuts);
    fill_mark(text, "PACKED", packed);
    fill_mark(text, "STREAM_IN_HIGH", std::to_string(stream_bits - 1));
}

}  // namespace

std::string kernel_text(Task task, const std::string& identity, int input_bits, int output_bits) {
    std::string text = kKernel;
    const bool pair = task == Task::pair;
    fill_fields(text, task, input_bits);
    fill_mark(text, "IDENTITY", identity);
    fill_mark(text, "TASK", std::string(name_of(task)));
    fill_mark(text, "FIELDS", std::to_string(input_count(task, Encoding::raw)));
    fill_mark(text, "RESULTS", pair ? "the logit" : "phi, eta and pt");
    fill_mark(text, "IN_BYTES", std::to_string(kernel_input_stride(task)));
    fill_mark(text, "OUT_BYTES", std::to_string(kernel_output_stride(task)));
    fill_mark(text, "IN_HIGH", std::to_string(8 * kernel_input_stride(task) - 1));
    fill_mark(text, "IN_LANES", std::to_string(kernel_input_stride(task) / kKernelRowAlign));
    fill_mark(text, "STREAM_OUT_HIGH", std::to_string((output_bits + 7) / 8 * 8 - 1));
    fill_mark(text, "STORED",
              pair ? "48'd0, " + widened(0, 12, true)
                   : "16'd0, " + widened(24, 9, false) + ",\n              " +
                         widened(12, 12, true) + ", " + widened(0, 12, true));
    return text;
}

std::string kernel_xml() {
    return kXml;
}

}  // namespace bunch::muon
