#include "muon/toy/spectrum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bunch::muon {
namespace {

constexpr double kMostEta = 2.4;
constexpr double kVertexSpread = 0.05;  // metres along the beams
constexpr double kTwoPi = 2 * std::numbers::pi;

TrueMuon muon_with(double pt, Random& random) {
    TrueMuon muon;
    muon.pt = pt;
    muon.eta = random.uniform(-kMostEta, kMostEta);
    muon.phi = random.uniform(0, kTwoPi);
    muon.charge = random.uniform() < 0.5 ? 1 : -1;
    muon.z = kVertexSpread * random.normal();
    return muon;
}

struct Vector {
    double x = 0, y = 0, z = 0, energy = 0;
};

/// `muon`, massless and at rest with its parent, as seen where the parent has (px, py, pz, energy).
Vector boosted(const Vector& muon, const Vector& parent, double mass) {
    const double along = (muon.x * parent.x + muon.y * parent.y + muon.z * parent.z) / mass;
    const double energy = (muon.energy * parent.energy) / mass + along;
    const double factor = (muon.energy + energy) / (mass + parent.energy);
    return {muon.x + factor * parent.x, muon.y + factor * parent.y, muon.z + factor * parent.z,
            energy};
}

TrueMuon muon_of(const Vector& p, int charge, double z) {
    TrueMuon muon;
    muon.pt = std::hypot(p.x, p.y);
    muon.eta = std::asinh(p.z / muon.pt);
    muon.phi = std::atan2(p.y, p.x);
    if (muon.phi < 0) muon.phi += kTwoPi;
    muon.charge = charge;
    muon.z = z;
    return muon;
}

/// The two muons of a parent with this mass, transverse momentum and rapidity.
std::pair<TrueMuon, TrueMuon> two_body(double mass, double pt, double rapidity, Random& random) {
    const double phi = random.uniform(0, kTwoPi);
    const double transverse = std::hypot(mass, pt);
    const Vector parent = {pt * std::cos(phi), pt * std::sin(phi), transverse * std::sinh(rapidity),
                           transverse * std::cosh(rapidity)};
    const double cosine = random.uniform(-1, 1), sine = std::sqrt(1 - cosine * cosine);
    const double angle = random.uniform(0, kTwoPi), half = mass / 2;
    const Vector one = {half * sine * std::cos(angle), half * sine * std::sin(angle), half * cosine,
                        half};
    const Vector other = {-one.x, -one.y, -one.z, half};
    const double z = kVertexSpread * random.normal();
    const int charge = random.uniform() < 0.5 ? 1 : -1;
    return {muon_of(boosted(one, parent, mass), charge, z),
            muon_of(boosted(other, parent, mass), -charge, z)};
}

/// A bottom quark decays to a muon and a charm quark, that to the other muon: near, not exactly.
std::pair<TrueMuon, TrueMuon> cascade(Random& random) {
    TrueMuon first = draw_soft_muon(random), second = first;
    second.pt = std::max(2.5, first.pt * random.uniform(0.4, 1.2));
    second.eta = first.eta + 0.25 * random.normal();
    second.phi = first.phi + 0.25 * random.normal();
    second.charge = -first.charge;
    return {first, second};
}

}  // namespace

TrueMuon draw_muon(Random& random) {
    return muon_with(2.5 * std::pow(60.0, random.uniform()), random);
}

TrueMuon draw_soft_muon(Random& random) {
    // pt^-3 above 3 GeV: the inverse of its integral.
    const double pt = 3 / std::sqrt(1 - random.uniform());
    return muon_with(std::min(pt, 150.0), random);
}

TrueMuon draw_trigger_muon(Random& random) {
    if (random.uniform() < 0.25) return muon_with(38 + 9 * random.normal(), random);
    return muon_with(std::min(3 / std::pow(1 - random.uniform(), 0.8), 150.0), random);
}

std::pair<TrueMuon, TrueMuon> draw_decay(Random& random) {
    const double kind = random.uniform();
    if (kind < 0.4)
        return two_body(91.2 + 1.2 * random.normal(), 10 * random.exponential(),
                        1.2 * random.normal(), random);
    if (kind < 0.75)
        return two_body(3.097, 8 + 7 * random.exponential(), random.uniform(-kMostEta, kMostEta),
                        random);
    return cascade(random);
}

}  // namespace bunch::muon
