// The layers of a network one after the other, a row per clock. What the network is stands in the
// package dense_net_pkg, which dense_rtl.cpp writes (nets/); its weights are read from a file. As in
// a layer, nothing waits: a row comes out LATENCY clocks after it entered.
module dense_net #(
    parameter WEIGHTS = "weights.hex",
    parameter int IN_BITS = 1,  // of a whole row
    parameter int OUT_BITS = 1
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                in_valid,
    input  logic [ IN_BITS-1:0] in_row,
    output logic                out_valid,
    output logic [OUT_BITS-1:0] out_row
);
    /* verilator lint_off UNUSEDPARAM */
    `include "dense_net.svh"
    /* verilator lint_on UNUSEDPARAM */

    // Stage 0 is the input, stage i the output of layer i.
    for (genvar i = 0; i <= LAYERS; i = i + 1) begin : g_stage
        localparam int WIDTH_HERE = WIDTH[32*i+:32];
        localparam int BITS_HERE = BITS[32*i+:32];
        logic valid;
        logic [WIDTH_HERE*BITS_HERE-1:0] row;
        if (i == 0) begin : g_input
            assign valid = in_valid;
            assign row = in_row;
        end else begin : g_layer
            localparam int L = 32 * (i - 1);
            dense_layer #(
                .INPUTS(WIDTH[L+:32]), .OUTPUTS(WIDTH_HERE), .ACTIVATION(ACTIVATION[L+:32]),
                .IN_BITS(BITS[L+:32]), .IN_FRACTION(FRACTION[L+:32]), .IN_SIGNED(SIGNED[L+:32]),
                .WEIGHT_BITS(WEIGHT_BITS[L+:32]), .WEIGHT_FRACTION(WEIGHT_FRACTION[L+:32]),
                .WEIGHT_SIGNED(WEIGHT_SIGNED[L+:32]),
                .BIAS_BITS(BIAS_BITS[L+:32]), .BIAS_FRACTION(BIAS_FRACTION[L+:32]),
                .BIAS_SIGNED(BIAS_SIGNED[L+:32]),
                .OUT_BITS(BITS_HERE), .OUT_FRACTION(FRACTION[32*i+:32]),
                .OUT_SIGNED(SIGNED[32*i+:32]), .OUT_ROUNDING(ROUNDING[32*i+:32]),
                .OUT_OVERFLOW(OVERFLOW[32*i+:32]),
                .FILE_WORDS(FILE_WORDS), .FIRST_WORD(FIRST_WORD[L+:32]), .WEIGHTS(WEIGHTS)
            ) layer (
                .clk(clk), .rst(rst),
                .in_valid(g_stage[i-1].valid), .in_row(g_stage[i-1].row),
                .out_valid(valid), .out_row(row)
            );
        end
    end
    assign out_valid = g_stage[LAYERS].valid;
    assign out_row = g_stage[LAYERS].row;
endmodule
