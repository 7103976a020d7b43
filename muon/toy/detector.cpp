#include "muon/toy/detector.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bunch::muon {
namespace {

constexpr double kStep = 0.10;  // metres along the track
constexpr double kSolenoidRadius = 2.95, kSolenoidLength = 6.20;
constexpr double kSolenoidField = 3.8, kYokeField = -1.8, kEndcapField = -1.0;
constexpr Medium kCalorimeter = {kSolenoidField, 1.2, 60};
constexpr double kIronLoss = 1.5, kIronLengths = 57;
constexpr double kLeastMomentum = 0.5;  // a slower muon stops
constexpr double kLogTerm = 1.15;       // of Highland's formula, for a step within thick material
constexpr double kMisalignment = 0.0012;
constexpr double kPhiResolution = 0.0010;  // of a trigger primitive, radians
constexpr double kInefficiency = 0.04;
constexpr double kBarrelGap = 0.04, kEndcapGap = 0.02;  // of the circle, between sectors
constexpr double kWheel = 2.56, kWheelGap = 0.12;       // metres along z
constexpr double kStripLength = 0.24;                   // along z in the barrel
constexpr double kStripWidth = 0.09;                    // along r in the endcaps

/// Whether `at` lies in the iron behind a station at `station`, before the next one.
bool in_iron(double at, double station, double next) {
    return at > station + 0.15 && at < next - 0.15;
}

bool in_barrel_iron(double radius) {
    for (std::size_t i = 0; i + 1 < kStationRadius.size(); ++i)
        if (in_iron(radius, kStationRadius[i], kStationRadius[i + 1])) return true;
    return false;
}

bool in_endcap_iron(double z) {
    for (std::size_t i = 0; i + 1 < kStationZ.size(); ++i)
        if (in_iron(z, kStationZ[i], kStationZ[i + 1])) return true;
    return false;
}

/// Turns the direction by `angle`, a small one.
void turn(Track& track, double angle) {
    const double c = 1 - angle * angle / 2;
    const double cosine = track.cosine * c - track.sine * angle;
    const double sine = track.sine * c + track.cosine * angle;
    const double norm = 1 / std::sqrt(cosine * cosine + sine * sine);
    track.cosine = cosine * norm;
    track.sine = sine * norm;
}

/// Advances by one step; false if the muon stops.
bool advance(Track& track, Random& random) {
    const Medium medium = medium_at(std::hypot(track.x, track.y), track.z);
    const double length = std::sqrt(1 + track.slope * track.slope);
    const double transverse = kStep / length;
    double angle = -track.charge * 0.3 * medium.field * transverse / track.pt;
    if (medium.loss > 0) {
        const double momentum = track.pt * length;
        const double left = momentum - medium.loss * kStep;
        if (left < kLeastMomentum) return false;
        const double scattering =
            0.0136 / momentum * std::sqrt(medium.radiation_lengths * kStep) * kLogTerm;
        // In space: the transverse direction turns by more where the track is steep.
        angle += scattering * length * random.normal();
        track.slope += scattering * length * length * random.normal();
        track.pt *= left / momentum;
    }
    turn(track, angle / 2);
    track.x += track.cosine * transverse;
    track.y += track.sine * transverse;
    track.z += track.slope * transverse;
    turn(track, angle / 2);
    return true;
}

double binned(double value, double width) {
    return (std::floor(value / width) + 0.5) * width;
}

}  // namespace

Medium medium_at(double radius, double z) {
    const double height = std::abs(z);
    if (radius < kSolenoidRadius && height < kSolenoidLength) {
        const bool calorimeter = radius > 1.3 || (height > 3.2 && height < 5.7);
        return calorimeter ? kCalorimeter : Medium{kSolenoidField, 0, 0};
    }
    if (height >= kSolenoidLength)
        return in_endcap_iron(height) ? Medium{kEndcapField, kIronLoss, kIronLengths} : Medium{};
    return in_barrel_iron(radius) ? Medium{kYokeField, kIronLoss, kIronLengths} : Medium{};
}

Detector::Detector(std::uint64_t seed) {
    Random random(seed);
    for (auto& station : misalignment_)
        for (auto& side : station)
            for (double& sector : side) sector = kMisalignment * random.normal();
}

bool Detector::reports(const Crossing& crossing, Random& random, Hit& hit) const {
    const bool barrel = crossing.station < kBarrelStations;
    double phi = std::atan2(crossing.y, crossing.x);
    if (phi < 0) phi += 2 * std::numbers::pi;
    const double sectors = barrel ? 12 : kSectors;
    const double sector = phi / (2 * std::numbers::pi) * sectors;
    const double in_sector = sector - std::floor(sector);
    // Stations are turned against each other, so that no gap points to the centre through all.
    const double gap_at = 0.2 + 0.15 * (crossing.station % kBarrelStations);
    if (std::abs(in_sector - gap_at) < (barrel ? kBarrelGap : kEndcapGap) / 2) return false;
    if (barrel &&
        std::abs(std::remainder(std::abs(crossing.z) - kWheel / 2, kWheel)) < kWheelGap / 2)
        return false;
    if (random.uniform() < kInefficiency) return false;
    const auto chamber = std::min(static_cast<std::size_t>(sector), std::size_t{kSectors - 1});
    const auto& sides = misalignment_[static_cast<std::size_t>(crossing.station)];
    const double radius = std::hypot(crossing.x, crossing.y);
    const double slope = barrel ? binned(crossing.z, kStripLength) / radius
                                : crossing.z / binned(radius, kStripWidth);
    hit.station = crossing.station;
    hit.phi = phi + sides[crossing.z < 0 ? 1 : 0][chamber] + kPhiResolution * random.normal();
    hit.eta = std::asinh(slope);
    return true;
}

std::vector<Hit> Detector::hits_of(Track track, Random& random) const {
    std::vector<Hit> hits;
    double radius = std::hypot(track.x, track.y), height = std::abs(track.z);
    const auto cross = [&](int station) {
        Hit hit;
        if (reports({station, track.x, track.y, track.z}, random, hit)) hits.push_back(hit);
    };
    while (radius < kStationRadius.back() && height < kStationZ.back()) {
        if (!advance(track, random)) break;
        const double r = std::hypot(track.x, track.y), h = std::abs(track.z);
        if (r < radius && h < height) break;  // curls up
        for (int i = 0; i < kBarrelStations; ++i)
            if (const double at = kStationRadius[static_cast<std::size_t>(i)];
                radius < at && r >= at && h < kBarrelLength)
                cross(i);
        for (int i = 0; i < kStations - kBarrelStations; ++i)
            if (const double at = kStationZ[static_cast<std::size_t>(i)];
                height < at && h >= at && r < kEndcapRadius)
                cross(kBarrelStations + i);
        // A muon that leaves the solenoid sideways cannot come back.
        radius = r;
        height = h;
    }
    return hits;
}

}  // namespace bunch::muon
