/// The Level-1 track finder of the toy: from the hits of a muon to five integers, with look-up
/// tables as coarse as a trigger's. The tables are calibrated with muons of a seed of their own, as
/// an experiment would with an early run; so they are not perfect, which is what leaves something
/// to recalibrate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "muon/fields.h"
#include "muon/toy/detector.h"

namespace bunch::muon {

/// A muon as generated.
struct TrueMuon {
    double phi = 0;  ///< radians
    double eta = 0;
    double pt = 0;  ///< GeV
    int charge = 1;
    double z = 0;  ///< of the vertex, metres
};

Track track_of(const TrueMuon& muon);

class TrackFinder {
  public:
    /// Calibrates with `muons` muons of the seed.
    static TrackFinder calibrated(const Detector& detector, std::uint64_t seed, std::size_t muons);

    /// The candidate made of hits `a` and `b` of one muon, or nothing with fewer hits. The first
    /// candidate of a muon is made of hits 0 and 1; a ghost of others.
    std::optional<L1Muon> candidate(std::span<const Hit> hits, std::size_t a = 0,
                                    std::size_t b = 1) const;

  private:
    struct Bend {
        std::size_t pair = 0;  ///< stations and eta bin
        int bin = 0;           ///< of |bend|
        bool positive = false;
    };
    static Bend bend_of(const Hit& a, const Hit& b);
    std::size_t extrapolation_index(const Hit& a, int pt_code, int charge) const;

    std::vector<std::int32_t> pt_codes_;     ///< by pair and bin
    std::vector<std::int8_t> charge_signs_;  ///< by pair: charge of a positive bend
    std::vector<float> extrapolations_;      ///< radians to the vertex
};

}  // namespace bunch::muon
