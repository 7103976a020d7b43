/// The networks of the zoo, one function each; zoo.h is the way in for everybody else.
#pragma once

#include "zoo/onnx_builder.h"

namespace bunch {

/// Full-size ResNet-50 v1.5 (He et al. 2015, with the stride in the 3x3 convolutions).
void build_resnet50(OnnxBuilder& net);

/// FACILE, the regression of hadron calorimeter energies: 47-31-11-3-1 with ReLU.
void build_facile(OnnxBuilder& net);

/// Muon recalibration at 40 MHz, the student: 5 to 3 over four hidden layers of 8 with batch
/// normalisation and ReLU.
void build_muon(OnnxBuilder& net);

/// A few layers of everything that ResNet-50 has, small enough for tests: convolutions, batch
/// normalisation, pooling, a residual sum.
void build_small_cnn(OnnxBuilder& net);

}  // namespace bunch
