// A kernel for Vitis that runs rows through a network: kernel(rows, in, out). Registers as in
// axi_lite_control.sv; rows are read and written through one AXI4 master; dense_net.sv computes.
//
//     memory -> axi_row_reader -> dense_net -> row_fifo -> axi_row_writer -> memory
//
// The network never waits, so a row enters it only while the queue behind has room for it and for
// all rows that are under way. In memory a row is its elements in whole bytes (1, 2 or 4), then
// zeros up to a multiple of 8 bytes; `in` and `out` are multiples of DATA_BITS / 8 bytes.
module dense_kernel #(
    parameter WEIGHTS = "weights.hex"
) (
    input  logic         ap_clk,
    input  logic         ap_rst_n,
    input  logic [ 11:0] s_axi_control_awaddr,
    input  logic         s_axi_control_awvalid,
    output logic         s_axi_control_awready,
    input  logic [ 31:0] s_axi_control_wdata,
    input  logic [  3:0] s_axi_control_wstrb,
    input  logic         s_axi_control_wvalid,
    output logic         s_axi_control_wready,
    output logic [  1:0] s_axi_control_bresp,
    output logic         s_axi_control_bvalid,
    input  logic         s_axi_control_bready,
    input  logic [ 11:0] s_axi_control_araddr,
    input  logic         s_axi_control_arvalid,
    output logic         s_axi_control_arready,
    output logic [ 31:0] s_axi_control_rdata,
    output logic [  1:0] s_axi_control_rresp,
    output logic         s_axi_control_rvalid,
    input  logic         s_axi_control_rready,
    /* verilator lint_off SYMRSVDWORD */
    output logic         interrupt,
    /* verilator lint_on SYMRSVDWORD */
    output logic [ 63:0] m_axi_gmem_araddr,
    output logic [  7:0] m_axi_gmem_arlen,
    output logic [  2:0] m_axi_gmem_arsize,
    output logic [  1:0] m_axi_gmem_arburst,
    output logic         m_axi_gmem_arvalid,
    input  logic         m_axi_gmem_arready,
    input  logic [511:0] m_axi_gmem_rdata,
    input  logic [  1:0] m_axi_gmem_rresp,
    input  logic         m_axi_gmem_rlast,
    input  logic         m_axi_gmem_rvalid,
    output logic         m_axi_gmem_rready,
    output logic [ 63:0] m_axi_gmem_awaddr,
    output logic [  7:0] m_axi_gmem_awlen,
    output logic [  2:0] m_axi_gmem_awsize,
    output logic [  1:0] m_axi_gmem_awburst,
    output logic         m_axi_gmem_awvalid,
    input  logic         m_axi_gmem_awready,
    output logic [511:0] m_axi_gmem_wdata,
    output logic [ 63:0] m_axi_gmem_wstrb,
    output logic         m_axi_gmem_wlast,
    output logic         m_axi_gmem_wvalid,
    input  logic         m_axi_gmem_wready,
    input  logic [  1:0] m_axi_gmem_bresp,
    input  logic         m_axi_gmem_bvalid,
    output logic         m_axi_gmem_bready
);
    /* verilator lint_off UNUSEDPARAM */
    `include "dense_net.svh"
    /* verilator lint_on UNUSEDPARAM */
    localparam int DATA_BITS = 512;
    localparam int INPUTS = WIDTH[31:0];
    localparam int IN_BITS = BITS[31:0];
    localparam int IN_STORED = IN_BITS <= 8 ? 8 : IN_BITS <= 16 ? 16 : 32;
    localparam int IN_LANES = (INPUTS * IN_STORED + 63) / 64;
    localparam int OUTPUTS = WIDTH[32*LAYERS+:32];
    localparam int OUT_BITS = BITS[32*LAYERS+:32];
    localparam int OUT_SIGNED = SIGNED[32*LAYERS+:32];
    localparam int OUT_STORED = OUT_BITS <= 8 ? 8 : OUT_BITS <= 16 ? 16 : 32;
    localparam int OUT_LANES = (OUTPUTS * OUT_STORED + 63) / 64;
    localparam int QUEUE_DEPTH = 2 << $clog2(LATENCY);
    localparam int ROOM_BITS = $clog2(QUEUE_DEPTH + 1);

    logic clk, rst;
    assign clk = ap_clk;
    always_ff @(posedge ap_clk) rst <= !ap_rst_n;

    assign m_axi_gmem_arsize = 3'd6;  // whole beats, addresses counting up
    assign m_axi_gmem_arburst = 2'b01;
    assign m_axi_gmem_awsize = 3'd6;
    assign m_axi_gmem_awburst = 2'b01;

    // A run: the arguments are taken with `begins`, and `done` says that all is in memory.
    logic start, begins, done;
    logic busy /* verilator public_flat_rd */;
    logic [31:0] rows;
    logic [63:0] in_address, out_address;
    logic read_error, write_error;
    assign begins = start && !busy;
    always_ff @(posedge clk)
        if (rst || done) busy <= 1'b0;
        else if (begins) busy <= 1'b1;

    axi_lite_control control (
        .clk(clk), .rst(rst),
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
        .errors({write_error, read_error}),
        .rows(rows), .in_address(in_address), .out_address(out_address)
    );

    /* verilator lint_off UNUSEDSIGNAL */
    logic [IN_LANES*64-1:0] stored_in;  // with the padding
    /* verilator lint_on UNUSEDSIGNAL */
    logic read_valid, read_ready;
    axi_row_reader #(.DATA_BITS(DATA_BITS), .ROW_LANES(IN_LANES)) reader (
        .clk(clk), .rst(rst), .start(begins), .address(in_address), .rows(rows),
        .error(read_error),
        .araddr(m_axi_gmem_araddr), .arlen(m_axi_gmem_arlen), .arvalid(m_axi_gmem_arvalid),
        .arready(m_axi_gmem_arready), .rdata(m_axi_gmem_rdata), .rresp(m_axi_gmem_rresp),
        .rlast(m_axi_gmem_rlast), .rvalid(m_axi_gmem_rvalid), .rready(m_axi_gmem_rready),
        .row(stored_in), .row_valid(read_valid), .row_ready(read_ready)
    );

    // What is under way in the network and the queue never exceeds the queue.
    logic entered, left;
    logic [ROOM_BITS-1:0] room;
    assign read_ready = room != 0;
    assign entered = read_valid && read_ready;
    always_ff @(posedge clk)
        if (rst) room <= QUEUE_DEPTH[ROOM_BITS-1:0];
        else if (entered && !left) room <= room - 1;
        else if (left && !entered) room <= room + 1;

    logic [INPUTS*IN_BITS-1:0] in_row;
    for (genvar i = 0; i < INPUTS; i = i + 1) begin : g_input
        assign in_row[i*IN_BITS+:IN_BITS] = stored_in[i*IN_STORED+:IN_BITS];
    end

    logic [OUTPUTS*OUT_BITS-1:0] out_row, queued_row;
    logic out_valid, queued_valid;
    dense_net #(
        .WEIGHTS(WEIGHTS), .IN_BITS(INPUTS * IN_BITS), .OUT_BITS(OUTPUTS * OUT_BITS)
    ) net (
        .clk(clk), .rst(rst), .in_valid(entered), .in_row(in_row), .out_valid(out_valid),
        .out_row(out_row)
    );
    row_fifo #(.BITS(OUTPUTS * OUT_BITS), .DEPTH(QUEUE_DEPTH)) queue (
        .clk(clk), .rst(rst), .push(out_valid), .in(out_row), .out_valid(queued_valid),
        .out(queued_row), .pop(left)
    );

    logic [OUT_LANES*64-1:0] stored_out;
    logic write_ready;
    assign left = queued_valid && write_ready;
    for (genvar i = 0; i < OUTPUTS; i = i + 1) begin : g_output
        logic [OUT_BITS-1:0] number;
        assign number = queued_row[i*OUT_BITS+:OUT_BITS];
        assign stored_out[i*OUT_STORED+:OUT_STORED] = {
            {(OUT_STORED - OUT_BITS) {number[OUT_BITS-1] && OUT_SIGNED != 0}}, number
        };
    end
    if (OUTPUTS * OUT_STORED < OUT_LANES * 64) begin : g_padding
        assign stored_out[OUT_LANES*64-1:OUTPUTS*OUT_STORED] = '0;
    end

    axi_row_writer #(.DATA_BITS(DATA_BITS), .ROW_LANES(OUT_LANES)) writer (
        .clk(clk), .rst(rst), .start(begins), .address(out_address), .rows(rows), .done(done),
        .error(write_error),
        .awaddr(m_axi_gmem_awaddr), .awlen(m_axi_gmem_awlen), .awvalid(m_axi_gmem_awvalid),
        .awready(m_axi_gmem_awready), .wdata(m_axi_gmem_wdata), .wstrb(m_axi_gmem_wstrb),
        .wlast(m_axi_gmem_wlast), .wvalid(m_axi_gmem_wvalid), .wready(m_axi_gmem_wready),
        .bresp(m_axi_gmem_bresp), .bvalid(m_axi_gmem_bvalid), .bready(m_axi_gmem_bready),
        .row(stored_out), .row_valid(queued_valid), .row_ready(write_ready)
    );
endmodule
