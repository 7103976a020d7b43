// Reads rows from memory through an AXI4 master: ROW_LANES lanes of 8 bytes each, one after the
// other from a beat-aligned address on. Beats go into a buffer of lanes, out of which whole rows
// are taken, one per clock as long as the memory keeps up.
module axi_row_reader #(
    parameter int DATA_BITS = 512,
    parameter int ROW_LANES = 5,
    parameter int MAX_BEATS = 64,
    parameter int MAX_BURSTS = 4  // that may be open
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    start,     // with address and rows, when nothing is under way
    input  logic [            63:0] address,
    input  logic [            31:0] rows,
    output logic                    error,     // of this run
    // AXI4, read channels
    output logic [            63:0] araddr,
    output logic [             7:0] arlen,
    output logic                    arvalid,
    input  logic                    arready,
    input  logic [   DATA_BITS-1:0] rdata,
    input  logic [             1:0] rresp,
    input  logic                    rlast,
    input  logic                    rvalid,
    output logic                    rready,
    // Rows
    output logic [ROW_LANES*64-1:0] row,
    output logic                    row_valid,
    input  logic                    row_ready
);
    localparam int BEAT_LANES = DATA_BITS / 64;
    localparam int CAPACITY = ROW_LANES + 2 * BEAT_LANES;
    localparam int COUNT_BITS = $clog2(CAPACITY + 1);
    localparam logic [39:0] LANES_PER_ROW = {8'd0, ROW_LANES};
    localparam logic [39:0] LANES_PER_BEAT = {8'd0, BEAT_LANES};
    localparam int BEAT_SHIFT = $clog2(DATA_BITS / 8);
    localparam logic [COUNT_BITS-1:0] ROW = ROW_LANES[COUNT_BITS-1:0];
    localparam logic [COUNT_BITS-1:0] BEAT = BEAT_LANES[COUNT_BITS-1:0];
    localparam logic [COUNT_BITS-1:0] ROOM_FOR_BEAT = CAPACITY[COUNT_BITS-1:0] - BEAT;

    // Requests
    logic [39:0] lanes, beats_left;
    logic [63:0] next_address;
    logic [8:0] beats;
    logic [7:0] len;
    logic [$clog2(MAX_BURSTS+1)-1:0] open_bursts;
    logic asked, answered;
    assign lanes = {8'd0, rows} * LANES_PER_ROW;
    axi_burst #(.BEAT_BYTES(DATA_BITS / 8), .MAX_BEATS(MAX_BEATS)) burst (
        .address(next_address), .beats_left(beats_left), .beats(beats), .len(len));

    assign araddr = next_address;
    assign arlen = len;
    assign arvalid = beats_left != 0 && open_bursts != MAX_BURSTS[$clog2(MAX_BURSTS+1)-1:0];
    assign asked = arvalid && arready;
    assign answered = rvalid && rready && rlast;

    always_ff @(posedge clk) begin
        if (start) begin
            beats_left <= (lanes + LANES_PER_BEAT - 1) / LANES_PER_BEAT;
            next_address <= address;
        end else if (asked) begin
            beats_left <= beats_left - {31'd0, beats};
            next_address <= next_address + ({55'd0, beats} << BEAT_SHIFT);
        end
        if (asked && !answered) open_bursts <= open_bursts + 1;
        if (answered && !asked) open_bursts <= open_bursts - 1;
        if (rst) begin
            beats_left <= '0;
            open_bursts <= '0;
        end
    end

    // Lanes: the oldest at the right, zeros left of the last.
    logic [CAPACITY*64-1:0] buffer, kept;
    logic [COUNT_BITS-1:0] count, kept_count;
    logic [31:0] rows_left;
    logic taken, arrived;
    assign rready = count <= ROOM_FOR_BEAT;
    assign row = buffer[ROW_LANES*64-1:0];
    assign row_valid = count >= ROW && rows_left != 0;
    assign taken = row_valid && row_ready;
    assign arrived = rvalid && rready;
    assign kept = taken ? buffer >> (ROW_LANES * 64) : buffer;
    assign kept_count = taken ? count - ROW : count;

    always_ff @(posedge clk) begin
        if (start) begin  // what the last run left behind its last row goes
            buffer <= '0;
            count <= '0;
            rows_left <= rows;
            error <= 1'b0;
        end else begin
            buffer <= arrived
                ? kept | ({{(CAPACITY * 64 - DATA_BITS) {1'b0}}, rdata} << {kept_count, 6'd0})
                : kept;
            count <= arrived ? kept_count + BEAT : kept_count;
            if (taken) rows_left <= rows_left - 1;
            if (arrived && rresp != 2'b00) error <= 1'b1;
        end
        if (rst) begin
            buffer <= '0;
            count <= '0;
            rows_left <= '0;
            error <= 1'b0;
        end
    end
endmodule
