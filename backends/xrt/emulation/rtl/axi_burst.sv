// Cuts a run of beats into AXI4 bursts, without a clock: the next burst from `address` has `beats`
// beats, so that it neither crosses a 4 KiB boundary nor is longer than MAX_BEATS. `address` is a
// multiple of a beat.
module axi_burst #(
    parameter int BEAT_BYTES = 64,
    parameter int MAX_BEATS = 64
) (
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic [63:0] address,
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic [39:0] beats_left,  // not 0
    output logic [ 8:0] beats,
    output logic [ 7:0] len          // as AXI writes it: one less
);
    localparam int SHIFT = $clog2(BEAT_BYTES);
    localparam logic [12:0] PAGE_BEATS = 13'd4096 >> SHIFT;
    localparam logic [12:0] LIMIT = MAX_BEATS[12:0];
    logic [12:0] to_boundary, allowed;
    assign to_boundary = PAGE_BEATS - ({1'b0, address[11:0]} >> SHIFT);
    assign allowed = to_boundary < LIMIT ? to_boundary : LIMIT;
    assign beats = beats_left < {27'd0, allowed} ? beats_left[8:0] : allowed[8:0];
    assign len = beats[7:0] - 8'd1;
endmodule
