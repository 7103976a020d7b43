/// Toy jets as images in the format of the top-tagging ResNet-50, for inputs that look and compress
/// like real ones. Not a generator for physics: no shower, no detector, no pile-up.
///
/// A top quark of transverse momentum 500-700 GeV decays to b and W, the W to two quarks, each
/// isotropic in its parent's rest frame, boosted exactly: three prongs, up to 2 m/pT = 0.7 apart. A
/// QCD jet is one light parton that may radiate one collinear gluon (angle and momentum fraction
/// both with 1/x spectra): one prong, sometimes two. Every prong becomes 15 to 40 constituents with
/// exponential momentum fractions, which lie the closer to it the more momentum they carry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "zoo/random.h"

namespace bunch {

enum class JetKind { top, qcd };

/// One particle of a jet. Angles are relative to the jet axis, the pT-weighted centre of all.
struct Constituent {
    double pt = 0;  ///< GeV
    double delta_eta = 0;
    double delta_phi = 0;
};

inline constexpr std::size_t kJetImageSide = 224;
inline constexpr std::size_t kJetImageFloats = 3 * kJetImageSide * kJetImageSide;

std::vector<Constituent> make_jet(JetKind kind, Random& random);

/// Bins the constituents into 224x224 pixels over +-1 in delta eta (rows) and delta phi (columns),
/// each pixel the sum of pT / pT(jet), where pT(jet) is the sum over all constituents, and copies
/// that to three channels: `image` is [3,224,224] and needs kJetImageFloats elements.
void fill_jet_image(std::span<const Constituent> jet, std::span<float> image);

/// A new jet of that kind as [3,224,224]; equal seeds give equal images.
std::vector<float> jet_image(JetKind kind, std::uint64_t seed);

/// pT-weighted mean distance from the axis in (eta, phi): how widely a jet is spread.
double jet_width(std::span<const Constituent> jet);

}  // namespace bunch
