// One dense layer, a row per clock: out = quantize(activation(weights * in + bias)), bit for bit
// fixed_point/dense_stack.h. All products at once, then a tree of adders with a register after each
// level, then activation and rounding. Nothing in here ever waits: a row that enters comes out
// LATENCY clocks later, so whoever sends rows must have room for them.
module dense_layer #(
    parameter int INPUTS = 2,
    parameter int OUTPUTS = 2,
    parameter int ACTIVATION = 0,  // 0 none, 1 relu, 2 sigmoid by table
    // Formats: bits in all, bits right of the point, 1 if there is a sign.
    parameter int IN_BITS = 16,
    parameter int IN_FRACTION = 10,
    parameter int IN_SIGNED = 1,
    parameter int WEIGHT_BITS = 16,
    parameter int WEIGHT_FRACTION = 10,
    parameter int WEIGHT_SIGNED = 1,
    parameter int BIAS_BITS = 16,
    parameter int BIAS_FRACTION = 10,
    parameter int BIAS_SIGNED = 1,
    parameter int OUT_BITS = 16,
    parameter int OUT_FRACTION = 10,
    parameter int OUT_SIGNED = 1,
    parameter int OUT_ROUNDING = 0,  // as enum Rounding in fixed_point/format.h
    parameter int OUT_OVERFLOW = 0,  // as enum Overflow
    // Where in the weight file: weights row after row, biases, the table of a sigmoid.
    parameter int FILE_WORDS = 6,
    parameter int FIRST_WORD = 0,
    parameter WEIGHTS = "weights.hex"
) (
    input  logic                         clk,
    input  logic                         rst,
    input  logic                         in_valid,
    input  logic [  INPUTS*IN_BITS-1:0]  in_row,
    output logic                         out_valid,
    output logic [OUTPUTS*OUT_BITS-1:0]  out_row
);
    // The widest sum that the formats can reach, as accumulator_bits() in dense_stack.cpp.
    localparam int ACC_FRACTION = IN_FRACTION + WEIGHT_FRACTION;
    localparam int BIAS_SHIFT = ACC_FRACTION - BIAS_FRACTION;
    localparam int SUM_BITS = IN_BITS - IN_SIGNED + WEIGHT_BITS - WEIGHT_SIGNED + $clog2(INPUTS);
    localparam int SHIFTED_BITS = BIAS_BITS - BIAS_SIGNED + BIAS_SHIFT;
    localparam int ACC_BITS = 2 + (SUM_BITS > SHIFTED_BITS ? SUM_BITS : SHIFTED_BITS);
    localparam int TERMS = INPUTS + 1;  // the bias is the last
    localparam int LEVELS = $clog2(TERMS);
    localparam int LATENCY = LEVELS + 2;
    localparam int FIRST_BIAS = FIRST_WORD + OUTPUTS * INPUTS;
    localparam int FIRST_ENTRY = FIRST_BIAS + OUTPUTS;

    // A whole 32-bit word for each number, so a reader of the file need not know the formats.
    /* verilator lint_off UNUSEDSIGNAL */
    logic [31:0] words[0:FILE_WORDS-1];
    /* verilator lint_on UNUSEDSIGNAL */
    initial begin
`ifdef VERILATOR
        // A simulation is told the file when it starts.
        string path;
        if ($value$plusargs("weights=%s", path) == 0) path = WEIGHTS;
        $readmemh(path, words);
`else
        $readmemh(WEIGHTS, words);
`endif
    end

    for (genvar o = 0; o < OUTPUTS; o = o + 1) begin : g_output
        // Level 0 holds the products and the bias, each further level sums of two of the one before.
        for (genvar level = 0; level <= LEVELS; level = level + 1) begin : g_level
            localparam int COUNT = (TERMS + (1 << level) - 1) >> level;
            localparam int COUNT_BEFORE = (2 * TERMS + (1 << level) - 1) >> level;
            for (genvar i = 0; i < COUNT; i = i + 1) begin : g_term
                logic signed [ACC_BITS-1:0] sum;
                if (level == 0 && i < INPUTS) begin : g_product
                    logic [IN_BITS-1:0] number;
                    logic [WEIGHT_BITS-1:0] weight;
                    logic signed [IN_BITS:0] a;
                    logic signed [WEIGHT_BITS:0] b;
                    assign number = in_row[i*IN_BITS+:IN_BITS];
                    assign weight = words[FIRST_WORD+o*INPUTS+i][WEIGHT_BITS-1:0];
                    assign a = {number[IN_BITS-1] & (IN_SIGNED != 0), number};
                    assign b = {weight[WEIGHT_BITS-1] & (WEIGHT_SIGNED != 0), weight};
                    always_ff @(posedge clk) sum <= a * b;
                end else if (level == 0) begin : g_bias
                    logic [BIAS_BITS-1:0] bias;
                    assign bias = words[FIRST_BIAS+o][BIAS_BITS-1:0];
                    assign sum = {
                        {(ACC_BITS - BIAS_SHIFT - BIAS_BITS) {bias[BIAS_BITS-1] & (BIAS_SIGNED != 0)}},
                        bias, {BIAS_SHIFT{1'b0}}
                    };
                end else if (2 * i + 1 < COUNT_BEFORE) begin : g_add
                    always_ff @(posedge clk)
                        sum <= g_level[level-1].g_term[2*i].sum + g_level[level-1].g_term[2*i+1].sum;
                end else begin : g_delay
                    always_ff @(posedge clk) sum <= g_level[level-1].g_term[2*i].sum;
                end
            end
        end

        logic signed [ACC_BITS-1:0] sum;
        logic [OUT_BITS-1:0] finished;
        assign sum = g_level[LEVELS].g_term[0].sum;
        if (ACTIVATION == 2) begin : g_sigmoid
            // 64 entries per unit over [-8, 8).
            logic signed [ACC_BITS-1:0] step;
            logic [9:0] entry;
            assign step = sum >>> (ACC_FRACTION - 6);
            assign entry = step < -512 ? 10'd0 : step > 511 ? 10'd1023 : step[9:0] ^ 10'h200;
            assign finished = words[FIRST_ENTRY+{22'd0, entry}][OUT_BITS-1:0];
        end else begin : g_linear
            logic signed [ACC_BITS-1:0] positive;
            assign positive = ACTIVATION == 1 && sum[ACC_BITS-1] ? '0 : sum;
            fixed_quantize #(
                .IN_BITS(ACC_BITS), .IN_FRACTION(ACC_FRACTION), .OUT_BITS(OUT_BITS),
                .OUT_FRACTION(OUT_FRACTION), .OUT_SIGNED(OUT_SIGNED), .ROUNDING(OUT_ROUNDING),
                .OVERFLOW(OUT_OVERFLOW)
            ) quantize (.in(positive), .out(finished));
        end
        always_ff @(posedge clk) out_row[o*OUT_BITS+:OUT_BITS] <= finished;
    end

    logic [LATENCY-1:0] valid;
    always_ff @(posedge clk)
        if (rst) valid <= '0;
        else valid <= {valid[LATENCY-2:0], in_valid};
    assign out_valid = valid[LATENCY-1];
endmodule
