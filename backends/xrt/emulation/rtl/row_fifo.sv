// A queue of rows of DEPTH, a power of two. The oldest is shown before it is taken. Whoever pushes
// must know that there is room.
module row_fifo #(
    parameter int BITS = 64,
    parameter int DEPTH = 32
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            push,
    input  logic [BITS-1:0] in,
    output logic            out_valid,
    output logic [BITS-1:0] out,
    input  logic            pop
);
    localparam int INDEX_BITS = $clog2(DEPTH);
    logic [BITS-1:0] rows[0:DEPTH-1];
    logic [INDEX_BITS:0] pushed, popped;  // one bit more than an index: full is not empty
    assign out_valid = pushed != popped;
    assign out = rows[popped[INDEX_BITS-1:0]];
    always_ff @(posedge clk) begin
        if (push) begin
            rows[pushed[INDEX_BITS-1:0]] <= in;
            pushed <= pushed + 1;
        end
        if (pop) popped <= popped + 1;
        if (rst) begin
            pushed <= '0;
            popped <= '0;
        end
    end
endmodule
