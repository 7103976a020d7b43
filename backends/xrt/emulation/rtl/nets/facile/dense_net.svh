// A network for dense_kernel.sv: 18-31-11-3-1. Written by dense_rtl.cpp, which knows it by this text.
localparam int LAYERS = 4;
localparam int LATENCY = 24;
localparam int FILE_WORDS = 981;
// 32 bits each, from the right: the input, then the output of each layer.
localparam logic [159:0] WIDTH = {32'd1, 32'd3, 32'd11, 32'd31, 32'd18};
localparam logic [159:0] BITS = {32'd16, 32'd16, 32'd16, 32'd16, 32'd16};
localparam logic [159:0] FRACTION = {32'd10, 32'd10, 32'd10, 32'd10, 32'd10};
localparam logic [159:0] SIGNED = {32'd1, 32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [159:0] ROUNDING = {32'd0, 32'd0, 32'd0, 32'd0, 32'd0};
localparam logic [159:0] OVERFLOW = {32'd0, 32'd0, 32'd0, 32'd0, 32'd0};
// And of each layer.
localparam logic [127:0] ACTIVATION = {32'd0, 32'd1, 32'd1, 32'd1};
localparam logic [127:0] WEIGHT_BITS = {32'd16, 32'd16, 32'd16, 32'd16};
localparam logic [127:0] WEIGHT_FRACTION = {32'd10, 32'd10, 32'd10, 32'd10};
localparam logic [127:0] WEIGHT_SIGNED = {32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [127:0] BIAS_BITS = {32'd16, 32'd16, 32'd16, 32'd16};
localparam logic [127:0] BIAS_FRACTION = {32'd10, 32'd10, 32'd10, 32'd10};
localparam logic [127:0] BIAS_SIGNED = {32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [127:0] FIRST_WORD = {32'd977, 32'd941, 32'd589, 32'd0};
