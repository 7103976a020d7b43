#include "muon/toy/primitive.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "muon/toy/spectrum.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kEtaBins = 8;
constexpr double kEtaBinWidth = 0.3;
constexpr int kBendBins = 64;
constexpr double kFinestBend = 0.0015;  // radians; wider bins for larger bends
constexpr std::size_t kPairs = kStations * kStations * kEtaBins;
constexpr int kPtBins = 8;              // of the extrapolation, logarithmic
constexpr double kTriggerScale = 1.18;  // so that a threshold keeps most muons above it
constexpr std::size_t kFewest = 12;     // entries that a table's cell needs

std::size_t eta_bin(double eta) {
    return std::min(static_cast<std::size_t>(std::abs(eta) / kEtaBinWidth), kEtaBins - 1);
}

/// Square-root bins: fine where the bend is small and the momentum large.
int bend_bin(double bend) {
    return std::min(static_cast<int>(std::sqrt(bend / kFinestBend) * 5), kBendBins - 1);
}

double wrapped(double angle) {
    return std::remainder(angle, 2 * std::numbers::pi);
}

int pt_code(double pt) {
    return std::clamp(static_cast<int>(std::lround(pt / kPtUnit)), 1, kMaxPt);
}

int pt_bin(int code) {
    return std::clamp(static_cast<int>(std::log2(static_cast<double>(code))), 0, kPtBins - 1);
}

int quality_of(std::span<const Hit> hits, std::size_t a, std::size_t b) {
    const bool innermost = hits[a].station % kBarrelStations == 0;
    const bool neighbours = b == a + 1;
    const int base = hits.size() >= 3 ? 10 : 4;
    return std::min(kMaxQuality,
                    base + (innermost ? 2 : 0) + (neighbours ? 1 : 0) + (hits.size() >= 4 ? 2 : 0));
}

/// The middle one; reorders.
template <typename T>
T median(std::vector<T>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

struct CalibrationMuon {
    TrueMuon muon;
    std::vector<Hit> hits;
};

}  // namespace

Track track_of(const TrueMuon& muon) {
    Track track;
    track.z = muon.z;
    track.cosine = std::cos(muon.phi);
    track.sine = std::sin(muon.phi);
    track.pt = muon.pt;
    track.slope = std::sinh(muon.eta);
    track.charge = muon.charge;
    return track;
}

TrackFinder::Bend TrackFinder::bend_of(const Hit& a, const Hit& b) {
    const double bend = wrapped(b.phi - a.phi);
    const std::size_t stations = static_cast<std::size_t>(a.station * kStations + b.station);
    return {stations * kEtaBins + eta_bin(a.eta), bend_bin(std::abs(bend)), bend > 0};
}

std::size_t TrackFinder::extrapolation_index(const Hit& a, int code, int charge) const {
    const std::size_t place = static_cast<std::size_t>(a.station) * kEtaBins + eta_bin(a.eta);
    return (place * kPtBins + static_cast<std::size_t>(pt_bin(code))) * 2 +
           static_cast<std::size_t>(charge > 0 ? 1 : 0);
}

TrackFinder TrackFinder::calibrated(const Detector& detector, std::uint64_t seed,
                                    std::size_t muons) {
    Random random(seed);
    std::vector<CalibrationMuon> sample;
    for (std::size_t i = 0; i < muons; ++i) {
        const TrueMuon muon = draw_muon(random);
        std::vector<Hit> hits = detector.hits_of(track_of(muon), random);
        if (hits.size() >= 2) sample.push_back({muon, std::move(hits)});
    }

    TrackFinder finder;
    std::vector<std::vector<double>> momenta(kPairs * kBendBins);
    std::vector<int> signs(kPairs, 0);
    for (const auto& [muon, hits] : sample)
        for (std::size_t a = 0; a + 1 < hits.size(); ++a)
            for (std::size_t b = a + 1; b < hits.size(); ++b) {
                const Bend bend = bend_of(hits[a], hits[b]);
                momenta[bend.pair * kBendBins + static_cast<std::size_t>(bend.bin)].push_back(
                    muon.pt);
                signs[bend.pair] += bend.positive ? muon.charge : -muon.charge;
            }
    finder.pt_codes_.assign(momenta.size(), 1);
    for (std::size_t pair = 0; pair < kPairs; ++pair) {
        int known =
            pt_code(4);  // from large bends to small ones: an empty cell has its neighbour's
        for (std::size_t bin = kBendBins; bin-- > 0;) {
            auto& cell = momenta[pair * kBendBins + bin];
            if (cell.size() >= kFewest) known = pt_code(kTriggerScale * median(cell));
            finder.pt_codes_[pair * kBendBins + bin] = known;
        }
    }
    for (const int sum : signs) finder.charge_signs_.push_back(sum >= 0 ? 1 : -1);

    finder.extrapolations_.assign(kStations * kEtaBins * kPtBins * 2, 0);
    std::vector<std::vector<float>> shifts(finder.extrapolations_.size());
    for (const auto& [muon, hits] : sample)
        if (const auto found = finder.candidate(hits))
            shifts[finder.extrapolation_index(hits[0], found->pt, found->charge)].push_back(
                static_cast<float>(wrapped(muon.phi - hits[0].phi)));
    for (std::size_t i = 0; i < shifts.size(); ++i)
        if (shifts[i].size() >= kFewest) finder.extrapolations_[i] = median(shifts[i]);
    return finder;
}

std::optional<L1Muon> TrackFinder::candidate(std::span<const Hit> hits, std::size_t a,
                                             std::size_t b) const {
    if (a >= b || b >= hits.size()) return std::nullopt;
    const Bend bend = bend_of(hits[a], hits[b]);
    L1Muon muon;
    muon.pt = pt_codes_[bend.pair * kBendBins + static_cast<std::size_t>(bend.bin)];
    muon.charge = (bend.positive ? 1 : -1) * charge_signs_[bend.pair] > 0 ? 1 : 0;
    muon.quality = quality_of(hits, a, b);
    const double eta = std::round(hits[a].eta / kEtaUnit);
    muon.eta = static_cast<std::int32_t>(std::clamp(eta, -1.0 * kMaxEta, 1.0 * kMaxEta));
    const double shift =
        static_cast<double>(extrapolations_[extrapolation_index(hits[a], muon.pt, muon.charge)]);
    const double units = std::floor((hits[a].phi + shift) / kPhiUnit);
    muon.phi = static_cast<std::int32_t>(units - kPhiUnits * std::floor(units / kPhiUnits));
    return muon;
}

}  // namespace bunch::muon
