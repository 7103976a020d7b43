/// A muon as the trigger's hardware describes it, and as the offline reconstruction does: the
/// units, the widths, and how an azimuth wraps. Not the physics that makes them (toy/).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bunch::muon {

inline constexpr int kPhiUnits = 576;                              ///< around the full circle
inline constexpr double kPhiUnit = 6.283185307179586 / kPhiUnits;  ///< radians
inline constexpr double kEtaUnit = 0.010875;
inline constexpr double kPtUnit = 0.5;  ///< GeV
inline constexpr int kMaxPt = 511;      ///< 9 bits; larger momenta saturate
inline constexpr int kMaxEta = 255;     ///< |eta| in 8 bits and a sign
inline constexpr int kMaxQuality = 15;  ///< 4 bits

/// Level-1 candidate: integers as they lie on the wires.
struct L1Muon {
    std::int32_t phi = 0;      ///< 0 to 575, at the vertex
    std::int32_t eta = 0;      ///< signed
    std::int32_t pt = 0;       ///< 1 to 511
    std::int32_t charge = 0;   ///< 1 for a positive muon, else 0
    std::int32_t quality = 0;  ///< 0 to 15

    friend bool operator==(const L1Muon&, const L1Muon&) = default;
};
inline constexpr int kMuonFields = 5;

/// In the order of the wires, of the files and of a network's raw inputs.
inline std::array<std::int32_t, kMuonFields> fields_of(const L1Muon& muon) {
    return {muon.phi, muon.eta, muon.pt, muon.charge, muon.quality};
}
inline constexpr std::array<int, kMuonFields> kFieldBits = {10, 9, 9, 1, 4};

/// What wires of so many bits can carry; eta is signed.
inline constexpr std::array<std::int32_t, kMuonFields> kLowestField = {0, -256, 0, 0, 0};
inline constexpr std::array<std::int32_t, kMuonFields> kHighestField = {1023, 255, kMaxPt, 1,
                                                                        kMaxQuality};

/// What the offline reconstruction says of the same muon, in the hardware's units but not rounded.
struct OfflineMuon {
    float phi = 0;
    float eta = 0;
    float pt = 0;  ///< GeV
};

/// What a candidate says: in the middle of its unit of azimuth.
inline OfflineMuon measured(const L1Muon& muon) {
    return {static_cast<float>(muon.phi) + 0.5F, static_cast<float>(muon.eta),
            static_cast<float>(muon.pt) * static_cast<float>(kPtUnit)};
}

/// `units` of azimuth, brought into [-288, 288); NaN for what is no number.
inline float wrapped_phi(float units) {
    constexpr float kTurn = kPhiUnits;
    const float wrapped = std::remainder(units, kTurn);
    return wrapped == kTurn / 2 ? -wrapped : wrapped;
}

/// Candidates and their references, by index.
struct MuonSample {
    std::vector<L1Muon> l1;
    std::vector<OfflineMuon> offline;

    std::size_t size() const { return l1.size(); }
};

/// Two candidates of one crossing, and whether two muons of one decay made them.
struct PairSample {
    std::vector<L1Muon> first;
    std::vector<L1Muon> second;
    std::vector<std::uint8_t> real;

    std::size_t size() const { return first.size(); }
};

}  // namespace bunch::muon
