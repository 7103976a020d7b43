/// The networks of the zoo, one function each; zoo.h is the way in for everybody else.
#pragma once

#include "zoo/onnx_builder.h"

namespace bunch {

/// Full-size ResNet-50 v1.5 (He et al. 2015, with the stride in the 3x3 convolutions).
void build_resnet50(OnnxBuilder& net);

/// The same in 8 bits, see quantise.h: calibrated on jets that follow from the seed. Takes a few
/// seconds.
void build_resnet50_int8(OnnxBuilder& net);

/// FACILE, the regression of hadron calorimeter energies: 47-31-11-3-1 with ReLU.
void build_facile(OnnxBuilder& net);

/// Muon recalibration at 40 MHz, the student: 5 to 3 over four hidden layers of 8 with batch
/// normalisation and ReLU.
void build_muon(OnnxBuilder& net);

/// Whether two muons are a real pair, the student at 40 MHz: 10 to 1 logit, as build_muon().
void build_muon_pair(OnnxBuilder& net);

/// DeepCalo: the energy of an electron from four layers of calorimeter cells, a VGG-like network.
void build_deepcalo(OnnxBuilder& net);

/// ProtoDUNE's hits: patches of a wire plane to track, shower, none (which add up to 1) and Michel
/// electron.
void build_protodune(OnnxBuilder& net);

/// DeepMET: a weight for each of 4500 particles, three of whose columns are classes; the result is
/// the weighted sum of their momenta.
void build_deepmet(OnnxBuilder& net);

/// DeepTau: high-level variables and two grids of cells around a tau to four classes. Every layer
/// of a grid takes the border off, until one cell is left.
void build_deeptau(OnnxBuilder& net);

/// ParticleNet for small jets: particles and secondary vertices of any number as one cloud; three
/// EdgeConv blocks on the 8 nearest neighbours each, to eight classes.
void build_particlenet(OnnxBuilder& net);

/// The same network with a mask for each of the two, so that clouds can be padded.
void build_particlenet_masked(OnnxBuilder& net);

/// Dense layers with ReLU between: sizes that taggers and regressions in physics have, for which
/// the CPU backend states how fast it is. 27-32-32-16-1, 30-64-64-64-3 and 784-1024-1024-512-10.
void build_mlp_27(OnnxBuilder& net);
void build_mlp_30(OnnxBuilder& net);
void build_mlp_784(OnnxBuilder& net);

/// Boosted decision trees: 200 of depth 6 on 30 features, to a log-odds.
void build_trees(OnnxBuilder& net);

/// A few layers of everything that ResNet-50 has, small enough for tests: convolutions, batch
/// normalisation, pooling, a residual sum.
void build_small_cnn(OnnxBuilder& net);
/// The same in 8 bits, calibrated on noise between -1 and 1.
void build_small_cnn_int8(OnnxBuilder& net);

}  // namespace bunch
