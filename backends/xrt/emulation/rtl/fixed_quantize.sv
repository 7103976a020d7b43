// Rounds and limits a sum to an output format, without a clock: quantize() of
// fixed_point/arithmetic.h for a number with IN_FRACTION bits right of the point, of which the
// output keeps OUT_FRACTION, no more.
module fixed_quantize #(
    parameter int IN_BITS = 37,
    parameter int IN_FRACTION = 20,
    parameter int OUT_BITS = 16,
    parameter int OUT_FRACTION = 10,
    parameter int OUT_SIGNED = 1,
    parameter int ROUNDING = 0,
    parameter int OVERFLOW = 0
) (
    input  logic signed [ IN_BITS-1:0] in,
    output logic        [OUT_BITS-1:0] out
);
    // As enum Rounding and enum Overflow in fixed_point/format.h.
    localparam int TRUNCATE_TO_ZERO = 1;
    localparam int NEAREST_UP = 2;
    localparam int NEAREST_EVEN = 3;
    localparam int NEAREST_TO_ZERO = 4;
    localparam int NEAREST_AWAY = 5;
    localparam int NEAREST_DOWN = 6;
    localparam int WRAP = 0;
    localparam int SATURATE_TO_ZERO = 2;
    localparam int SATURATE_SYMMETRIC = 3;

    localparam int DROPPED = IN_FRACTION - OUT_FRACTION;
    // Wide enough for a number that was rounded up, and for every limit.
    localparam int WIDE = (IN_BITS > OUT_BITS ? IN_BITS : OUT_BITS) + 2;

    logic signed [WIDE-1:0] rounded;

    if (DROPPED == 0) begin : g_exact
        assign rounded = {{(WIDE - IN_BITS) {in[IN_BITS-1]}}, in};
    end else begin : g_rounding
        // in = below + rest / 2^DROPPED, with 0 <= rest / 2^DROPPED < 1.
        logic signed [WIDE-1:0] below;
        logic [DROPPED-1:0] rest;
        logic negative, half, more_than_half, up;
        assign below = {{(WIDE - IN_BITS + DROPPED) {in[IN_BITS-1]}}, in[IN_BITS-1:DROPPED]};
        assign rest = in[DROPPED-1:0];
        assign negative = in[IN_BITS-1];
        assign half = rest == {1'b1, {(DROPPED - 1) {1'b0}}};
        assign more_than_half = rest[DROPPED-1] & ~half;
        always_comb
            case (ROUNDING)
                TRUNCATE_TO_ZERO: up = negative && rest != '0;
                NEAREST_UP: up = more_than_half | half;
                NEAREST_EVEN: up = more_than_half | (half & below[0]);
                NEAREST_TO_ZERO: up = more_than_half | (half & negative);
                NEAREST_AWAY: up = more_than_half | (half & ~negative);
                NEAREST_DOWN: up = more_than_half;
                default: up = 1'b0;
            endcase
        assign rounded = up ? below + 1 : below;
    end

    localparam logic signed [WIDE-1:0] ONE = 1;
    localparam logic signed [WIDE-1:0] HIGH = (ONE <<< (OUT_BITS - OUT_SIGNED)) - ONE;
    localparam logic signed [WIDE-1:0] LOW =
        OUT_SIGNED == 0 ? '0 : OVERFLOW == SATURATE_SYMMETRIC ? -HIGH : -HIGH - ONE;

    logic signed [WIDE-1:0] limited;
    always_comb begin
        limited = rounded;
        if (OVERFLOW != WRAP && rounded > HIGH) limited = OVERFLOW == SATURATE_TO_ZERO ? '0 : HIGH;
        if (OVERFLOW != WRAP && rounded < LOW) limited = OVERFLOW == SATURATE_TO_ZERO ? '0 : LOW;
    end
    /* verilator lint_off UNUSEDSIGNAL */
    logic [WIDE-1:0] bits;
    /* verilator lint_on UNUSEDSIGNAL */
    assign bits = limited;
    assign out = bits[OUT_BITS-1:0];
endmodule
