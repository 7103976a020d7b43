/// Makes an 8-bit model of one in FP32, in the form that quantising tools write (QDQ): every layer
/// stands between DequantizeLinear and QuantizeLinear, and a runtime may compute it in integers.
#pragma once

#include <onnx/onnx_pb.h>

#include "zoo/calibration.h"

namespace bunch {

/// `model` with batch normalisation folded into convolutions, weights in INT8 with one scale per
/// output channel, biases in INT32, and all tensors in UINT8 over the range that they have on
/// `examples`; a MaxPool and a Flatten keep the scale of what they read. For the networks that
/// calibrate() knows, with BatchNormalization right behind Conv.
onnx::ModelProto quantise(const onnx::ModelProto& model, const Examples& examples);

}  // namespace bunch
