// Writes rows to memory through an AXI4 master, as axi_row_reader.sv reads them. `done` lasts one
// clock, when the memory has confirmed all of them.
module axi_row_writer #(
    parameter int DATA_BITS = 512,
    parameter int ROW_LANES = 1,
    parameter int MAX_BEATS = 64
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    start,
    input  logic [            63:0] address,
    input  logic [            31:0] rows,
    output logic                    done,
    output logic                    error,
    // AXI4, write channels
    output logic [            63:0] awaddr,
    output logic [             7:0] awlen,
    output logic                    awvalid,
    input  logic                    awready,
    output logic [   DATA_BITS-1:0] wdata,
    output logic [ DATA_BITS/8-1:0] wstrb,
    output logic                    wlast,
    output logic                    wvalid,
    input  logic                    wready,
    input  logic [             1:0] bresp,
    input  logic                    bvalid,
    output logic                    bready,
    // Rows
    input  logic [ROW_LANES*64-1:0] row,
    input  logic                    row_valid,
    output logic                    row_ready
);
    localparam int BEAT_LANES = DATA_BITS / 64;
    localparam int CAPACITY = BEAT_LANES + 2 * ROW_LANES;
    localparam int COUNT_BITS = $clog2(CAPACITY + 1);
    localparam logic [39:0] LANES_PER_ROW = {8'd0, ROW_LANES};
    localparam logic [39:0] LANES_PER_BEAT = {8'd0, BEAT_LANES};
    localparam int BEAT_SHIFT = $clog2(DATA_BITS / 8);
    localparam logic [COUNT_BITS-1:0] ROW = ROW_LANES[COUNT_BITS-1:0];
    localparam logic [COUNT_BITS-1:0] BEAT = BEAT_LANES[COUNT_BITS-1:0];
    localparam logic [COUNT_BITS-1:0] ROOM_FOR_ROW = CAPACITY[COUNT_BITS-1:0] - ROW;

    // Lanes: the oldest at the right, zeros left of the last.
    logic [CAPACITY*64-1:0] buffer, kept;
    logic [COUNT_BITS-1:0] count, kept_count;
    logic [31:0] rows_left;
    logic taken, sent, has_beat;
    assign row_ready = count <= ROOM_FOR_ROW && rows_left != 0;
    assign taken = row_valid && row_ready;
    assign has_beat = count >= BEAT || (rows_left == 0 && count != 0);
    assign sent = wvalid && wready;
    assign wdata = buffer[DATA_BITS-1:0];
    for (genvar lane = 0; lane < BEAT_LANES; lane = lane + 1) begin : g_strobe
        localparam logic [COUNT_BITS-1:0] LANE = lane[COUNT_BITS-1:0];
        assign wstrb[lane*8+:8] = {8{count > LANE}};
    end
    assign kept = sent ? buffer >> DATA_BITS : buffer;
    assign kept_count = !sent ? count : count > BEAT ? count - BEAT : '0;

    always_ff @(posedge clk) begin
        buffer <= taken
            ? kept | ({{((CAPACITY - ROW_LANES) * 64) {1'b0}}, row} << {kept_count, 6'd0})
            : kept;
        count <= taken ? kept_count + ROW : kept_count;
        if (start) rows_left <= rows;
        else if (taken) rows_left <= rows_left - 1;
        if (rst) begin
            buffer <= '0;
            count <= '0;
            rows_left <= '0;
        end
    end

    // Bursts: one address, its beats, the next address. Answers are only counted.
    logic active;
    logic [39:0] lanes, beats_left;
    logic [63:0] next_address;
    logic [8:0] beats, burst_left;
    logic [7:0] len;
    logic [39:0] unanswered;
    logic asked;
    assign lanes = {8'd0, rows} * LANES_PER_ROW;
    axi_burst #(.BEAT_BYTES(DATA_BITS / 8), .MAX_BEATS(MAX_BEATS)) burst (
        .address(next_address), .beats_left(beats_left), .beats(beats), .len(len));

    assign awaddr = next_address;
    assign awlen = len;
    assign awvalid = beats_left != 0 && burst_left == 0;
    assign asked = awvalid && awready;
    assign wvalid = burst_left != 0 && has_beat;
    assign wlast = burst_left == 1;
    assign bready = 1'b1;
    assign done = active && beats_left == 0 && burst_left == 0 && unanswered == 0;

    always_ff @(posedge clk) begin
        if (start) begin
            active <= 1'b1;
            beats_left <= (lanes + LANES_PER_BEAT - 1) / LANES_PER_BEAT;
            next_address <= address;
            error <= 1'b0;
        end else begin
            if (done) active <= 1'b0;
            if (bvalid && bresp != 2'b00) error <= 1'b1;
        end
        if (asked) begin
            beats_left <= beats_left - {31'd0, beats};
            next_address <= next_address + ({55'd0, beats} << BEAT_SHIFT);
            burst_left <= beats;
        end else if (sent) begin
            burst_left <= burst_left - 1;
        end
        if (asked && !bvalid) unanswered <= unanswered + 1;
        if (bvalid && !asked) unanswered <= unanswered - 1;
        if (rst) begin
            active <= 1'b0;
            beats_left <= '0;
            burst_left <= '0;
            unanswered <= '0;
            error <= 1'b0;
        end
    end
endmodule
