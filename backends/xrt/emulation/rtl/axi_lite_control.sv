// The registers of a kernel on an AXI4-Lite slave, as Vitis lays them out for ap_ctrl_hs:
//
//     0x00  control: 0 start, 1 done (cleared by reading), 2 idle, 3 ready (cleared by reading)
//     0x04  bit 0: interrupts on      0x08  bit 0: on done, bit 1: on ready
//     0x0c  which of them happened; writing 1 clears
//     0x10  rows
//     0x18  address of the input, 0x1c its upper half
//     0x24  address of the output, 0x28 its upper half
//     0x30  errors of the last run: bit 0 a read, bit 1 a write that the memory refused
module axi_lite_control (
    input  logic        clk,
    input  logic        rst,
    // AXI4-Lite
    input  logic [11:0] awaddr,
    input  logic        awvalid,
    output logic        awready,
    input  logic [31:0] wdata,
    input  logic [ 3:0] wstrb,
    input  logic        wvalid,
    output logic        wready,
    output logic [ 1:0] bresp,
    output logic        bvalid,
    input  logic        bready,
    input  logic [11:0] araddr,
    input  logic        arvalid,
    output logic        arready,
    output logic [31:0] rdata,
    output logic [ 1:0] rresp,
    output logic        rvalid,
    input  logic        rready,
    output logic        interrupt,
    // The kernel: `start` stays until `ready`; `ready` and `done` last one clock.
    output logic        start,
    input  logic        ready,
    input  logic        done,
    input  logic        idle,
    input  logic [ 1:0] errors,
    output logic [31:0] rows,
    output logic [63:0] in_address,
    output logic [63:0] out_address
);
    localparam logic [11:0] CONTROL = 12'h00;
    localparam logic [11:0] INTERRUPT_ON = 12'h04;
    localparam logic [11:0] INTERRUPT_ENABLE = 12'h08;
    localparam logic [11:0] INTERRUPT_STATUS = 12'h0c;
    localparam logic [11:0] ROWS = 12'h10;
    localparam logic [11:0] IN_LOW = 12'h18;
    localparam logic [11:0] IN_HIGH = 12'h1c;
    localparam logic [11:0] OUT_LOW = 12'h24;
    localparam logic [11:0] OUT_HIGH = 12'h28;
    localparam logic [11:0] ERRORS = 12'h30;

    // A write happens once both its address and its data are there; they come in any order.
    logic has_address, has_data, write;
    logic [11:0] address;
    logic [31:0] data, mask;
    assign awready = !has_address;
    assign wready = !has_data;
    assign write = has_address && has_data && !bvalid;
    assign bresp = 2'b00;

    always_ff @(posedge clk) begin
        if (awvalid && awready) begin
            has_address <= 1'b1;
            address <= awaddr;
        end
        if (wvalid && wready) begin
            has_data <= 1'b1;
            data <= wdata;
            mask <= {{8{wstrb[3]}}, {8{wstrb[2]}}, {8{wstrb[1]}}, {8{wstrb[0]}}};
        end
        if (write) begin
            has_address <= 1'b0;
            has_data <= 1'b0;
            bvalid <= 1'b1;
        end else if (bready) begin
            bvalid <= 1'b0;
        end
        if (rst) begin
            has_address <= 1'b0;
            has_data <= 1'b0;
            bvalid <= 1'b0;
        end
    end

    logic interrupt_on, seen_done, seen_ready;
    logic [1:0] interrupt_enable, interrupt_status;
    assign interrupt = interrupt_on && interrupt_status != 2'b00;

    always_ff @(posedge clk) begin
        if (write)
            case (address)
                CONTROL: if (data[0] && mask[0]) start <= 1'b1;
                INTERRUPT_ON: if (mask[0]) interrupt_on <= data[0];
                INTERRUPT_ENABLE: if (mask[0]) interrupt_enable <= data[1:0];
                INTERRUPT_STATUS: if (mask[0]) interrupt_status <= interrupt_status & ~data[1:0];
                ROWS: rows <= (rows & ~mask) | (data & mask);
                IN_LOW: in_address[31:0] <= (in_address[31:0] & ~mask) | (data & mask);
                IN_HIGH: in_address[63:32] <= (in_address[63:32] & ~mask) | (data & mask);
                OUT_LOW: out_address[31:0] <= (out_address[31:0] & ~mask) | (data & mask);
                OUT_HIGH: out_address[63:32] <= (out_address[63:32] & ~mask) | (data & mask);
                default: ;
            endcase
        if (arvalid && arready && araddr == CONTROL) begin
            seen_done <= 1'b0;
            seen_ready <= 1'b0;
        end
        // After the clearing, so that nothing that happens in that clock is lost.
        if (ready) begin
            start <= 1'b0;
            seen_ready <= 1'b1;
            if (interrupt_enable[1]) interrupt_status[1] <= 1'b1;
        end
        if (done) begin
            seen_done <= 1'b1;
            if (interrupt_enable[0]) interrupt_status[0] <= 1'b1;
        end
        if (rst) begin
            start <= 1'b0;
            seen_done <= 1'b0;
            seen_ready <= 1'b0;
            interrupt_on <= 1'b0;
            interrupt_enable <= 2'b00;
            interrupt_status <= 2'b00;
            rows <= '0;
            in_address <= '0;
            out_address <= '0;
        end
    end

    assign arready = !rvalid;
    assign rresp = 2'b00;
    always_ff @(posedge clk) begin
        if (arvalid && arready) begin
            rvalid <= 1'b1;
            case (araddr)
                CONTROL: rdata <= {28'd0, seen_ready, idle && !start, seen_done, start};
                INTERRUPT_ON: rdata <= {31'd0, interrupt_on};
                INTERRUPT_ENABLE: rdata <= {30'd0, interrupt_enable};
                INTERRUPT_STATUS: rdata <= {30'd0, interrupt_status};
                ROWS: rdata <= rows;
                IN_LOW: rdata <= in_address[31:0];
                IN_HIGH: rdata <= in_address[63:32];
                OUT_LOW: rdata <= out_address[31:0];
                OUT_HIGH: rdata <= out_address[63:32];
                ERRORS: rdata <= {30'd0, errors};
                default: rdata <= '0;
            endcase
        end else if (rready) begin
            rvalid <= 1'b0;
        end
        if (rst) rvalid <= 1'b0;
    end
endmodule
