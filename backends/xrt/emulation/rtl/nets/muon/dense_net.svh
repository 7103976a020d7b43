// A network for dense_kernel.sv: 5-8-8-8-8-3. Written by dense_rtl.cpp, which knows it by this text.
localparam int LAYERS = 5;
localparam int LATENCY = 29;
localparam int FILE_WORDS = 291;
// 32 bits each, from the right: the input, then the output of each layer.
localparam logic [191:0] WIDTH = {32'd3, 32'd8, 32'd8, 32'd8, 32'd8, 32'd5};
localparam logic [191:0] BITS = {32'd18, 32'd18, 32'd18, 32'd18, 32'd18, 32'd18};
localparam logic [191:0] FRACTION = {32'd12, 32'd12, 32'd12, 32'd12, 32'd12, 32'd12};
localparam logic [191:0] SIGNED = {32'd1, 32'd1, 32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [191:0] ROUNDING = {32'd0, 32'd0, 32'd0, 32'd0, 32'd0, 32'd0};
localparam logic [191:0] OVERFLOW = {32'd0, 32'd0, 32'd0, 32'd0, 32'd0, 32'd0};
// And of each layer.
localparam logic [159:0] ACTIVATION = {32'd0, 32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [159:0] WEIGHT_BITS = {32'd18, 32'd18, 32'd18, 32'd18, 32'd18};
localparam logic [159:0] WEIGHT_FRACTION = {32'd12, 32'd12, 32'd12, 32'd12, 32'd12};
localparam logic [159:0] WEIGHT_SIGNED = {32'd1, 32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [159:0] BIAS_BITS = {32'd18, 32'd18, 32'd18, 32'd18, 32'd18};
localparam logic [159:0] BIAS_FRACTION = {32'd12, 32'd12, 32'd12, 32'd12, 32'd12};
localparam logic [159:0] BIAS_SIGNED = {32'd1, 32'd1, 32'd1, 32'd1, 32'd1};
localparam logic [159:0] FIRST_WORD = {32'd264, 32'd192, 32'd120, 32'd48, 32'd0};
