/// A muon detector reduced to what shapes a Level-1 muon: a solenoid with its calorimeters, a
/// return yoke with eight stations between the iron, chambers with gaps, inefficiency and
/// misalignment. Lengths in metres, momenta in GeV, fields in tesla. A toy: radially symmetric, no
/// radial field in the endcaps, no delta rays, no showers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "zoo/random.h"

namespace bunch::muon {

inline constexpr int kStations = 8;  ///< 0 to 3 barrel, from inside out; 4 to 7 endcaps
inline constexpr int kBarrelStations = 4;
inline constexpr std::array<double, kBarrelStations> kStationRadius = {4.05, 4.95, 6.05, 7.10};
inline constexpr std::array<double, 4> kStationZ = {6.90, 8.10, 9.20, 10.30};
inline constexpr double kBarrelLength = 6.40;  ///< |z| where barrel stations end
inline constexpr double kEndcapRadius = 7.00;

/// What a muon meets at a place.
struct Medium {
    double field = 0;              ///< along z
    double loss = 0;               ///< GeV per metre
    double radiation_lengths = 0;  ///< per metre
};

/// `radius` and `z` of a place; z may be negative.
Medium medium_at(double radius, double z);

/// A muon on its way. The direction in the transverse plane is (cos, sin).
struct Track {
    double x = 0, y = 0, z = 0;
    double cosine = 1, sine = 0;
    double pt = 0;
    double slope = 0;  ///< pz / pt
    int charge = 1;
};

/// Where a track crosses a station.
struct Hit {
    int station = 0;
    double phi = 0;  ///< of the place
    double eta = 0;  ///< of the place, as seen from the centre
};

/// The chambers of one detector: how far each was built from where it is believed to be.
class Detector {
  public:
    explicit Detector(std::uint64_t seed);

    /// Follows `track` outwards to the last station or until it stops, and gives what the chambers
    /// report, in the order of crossing. At most one hit per station.
    std::vector<Hit> hits_of(Track track, Random& random) const;

  private:
    struct Crossing {
        int station;
        double x, y, z;
    };
    bool reports(const Crossing& crossing, Random& random, Hit& hit) const;

    static constexpr int kSectors = 36;
    /// By station, side and sector, in radians.
    std::array<std::array<std::array<double, kSectors>, 2>, kStations> misalignment_{};
};

}  // namespace bunch::muon
