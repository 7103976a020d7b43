#include "zoo/jets.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"

namespace bunch {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kTopMass = 173, kWMass = 80.4;  // GeV
constexpr double kImageReach = 1;                // of the image, in delta eta and delta phi

/// Energy and momentum in GeV; the beam is z, the jet flies along x.
struct FourVector {
    double e = 0, x = 0, y = 0, z = 0;
};

/// `v`, given in the rest frame of `parent` (of that mass), as the laboratory sees it.
FourVector boosted(const FourVector& v, const FourVector& parent, double mass) {
    const double along = v.x * parent.x + v.y * parent.y + v.z * parent.z;
    const double shift = (v.e + along / (parent.e + mass)) / mass;
    return {(v.e * parent.e + along) / mass, v.x + shift * parent.x, v.y + shift * parent.y,
            v.z + shift * parent.z};
}

/// Two bodies back to back, isotropic in the rest frame of `parent`; the second one is massless.
std::array<FourVector, 2> decay(const FourVector& parent, double mass, double first_mass,
                                Random& random) {
    const double momentum = (mass * mass - first_mass * first_mass) / (2 * mass);
    const double cosine = random.uniform(-1, 1), sine = std::sqrt(1 - cosine * cosine);
    const double angle = random.uniform(0, 2 * kPi);
    const double x = momentum * sine * std::cos(angle), y = momentum * sine * std::sin(angle);
    const double z = momentum * cosine;
    const FourVector first = {std::hypot(momentum, first_mass), x, y, z};
    const FourVector second = {momentum, -x, -y, -z};
    return {boosted(first, parent, mass), boosted(second, parent, mass)};
}

/// A massless parton as a direction and a transverse momentum.
Constituent prong_of(const FourVector& parton) {
    const double pt = std::hypot(parton.x, parton.y);
    return {pt, std::asinh(parton.z / pt), std::atan2(parton.y, parton.x)};
}

std::vector<Constituent> top_prongs(double pt, Random& random) {
    const FourVector top = {std::hypot(pt, kTopMass), pt, 0, 0};
    const auto [w, b] = decay(top, kTopMass, kWMass, random);
    const auto [q, anti_q] = decay(w, kWMass, 0, random);
    return {prong_of(b), prong_of(q), prong_of(anti_q)};
}

std::vector<Constituent> qcd_prongs(double pt, Random& random) {
    constexpr double kRadiates = 0.6;  // probability of one gluon worth drawing
    if (random.uniform() > kRadiates) return {{pt, 0, 0}};
    const double angle = 0.02 * std::pow(20.0, random.uniform());  // 1/x over 0.02 .. 0.4
    const double share = 0.05 * std::pow(10.0, random.uniform());  // 1/x over 0.05 .. 0.5
    const double direction = random.uniform(0, 2 * kPi);
    return {{pt * (1 - share), 0, 0},
            {pt * share, angle * std::cos(direction), angle * std::sin(direction)}};
}

void fragment(const Constituent& prong, Random& random, std::vector<Constituent>& jet) {
    constexpr double kSpread = 0.4;  // GeV of transverse momentum against the prong, typically
    const int count = 15 + static_cast<int>(random.uniform() * 26);
    std::vector<double> shares(static_cast<std::size_t>(count));
    double sum = 0;
    for (double& share : shares) {
        share = random.exponential();
        sum += share;
    }
    for (const double share : shares) {
        const double pt = prong.pt * share / sum;
        const double spread = std::min(0.15, kSpread / std::max(pt, 0.1));
        jet.push_back({pt, prong.delta_eta + spread * random.normal(),
                       prong.delta_phi + spread * random.normal()});
    }
}

void centre(std::vector<Constituent>& jet) {
    double pt = 0, eta = 0, phi = 0;
    for (const Constituent& particle : jet) {
        pt += particle.pt;
        eta += particle.pt * particle.delta_eta;
        phi += particle.pt * particle.delta_phi;
    }
    for (Constituent& particle : jet) {
        particle.delta_eta -= eta / pt;
        particle.delta_phi -= phi / pt;
    }
}

double transverse_momentum(std::span<const Constituent> jet) {
    double sum = 0;
    for (const Constituent& particle : jet) sum += particle.pt;
    return sum;
}

}  // namespace

std::vector<Constituent> make_jet(JetKind kind, Random& random) {
    const double pt = random.uniform(500, 700);
    const auto prongs = kind == JetKind::top ? top_prongs(pt, random) : qcd_prongs(pt, random);
    std::vector<Constituent> jet;
    for (const Constituent& prong : prongs) fragment(prong, random, jet);
    centre(jet);
    return jet;
}

void fill_jet_image(std::span<const Constituent> jet, std::span<float> image) {
    BUNCH_CHECK(image.size() == kJetImageFloats);
    constexpr std::size_t kPixels = kJetImageSide * kJetImageSide;
    std::fill(image.begin(), image.end(), 0.0F);
    const double pt = transverse_momentum(jet);
    for (const Constituent& particle : jet) {
        const auto pixel = [](double angle) {
            return std::floor((angle + kImageReach) / (2 * kImageReach) * kJetImageSide);
        };
        const double row = pixel(particle.delta_eta), column = pixel(particle.delta_phi);
        if (row < 0 || row >= kJetImageSide || column < 0 || column >= kJetImageSide) continue;
        image[static_cast<std::size_t>(row) * kJetImageSide + static_cast<std::size_t>(column)] +=
            static_cast<float>(particle.pt / pt);
    }
    const auto first = image.first(kPixels);
    std::copy(first.begin(), first.end(), image.begin() + kPixels);
    std::copy(first.begin(), first.end(), image.begin() + 2 * kPixels);
}

std::vector<float> jet_image(JetKind kind, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> image(kJetImageFloats);
    fill_jet_image(make_jet(kind, random), image);
    return image;
}

double jet_width(std::span<const Constituent> jet) {
    double sum = 0;
    for (const Constituent& particle : jet)
        sum += particle.pt * std::hypot(particle.delta_eta, particle.delta_phi);
    return sum / transverse_momentum(jet);
}

}  // namespace bunch
