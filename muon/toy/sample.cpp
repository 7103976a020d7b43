#include "muon/toy/sample.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <utility>

#include "muon/parallel.h"
#include "muon/toy/primitive.h"
#include "muon/toy/spectrum.h"

namespace bunch::muon {
namespace {

constexpr std::size_t kBlock = 4096;  // accepted ones with random numbers of their own
constexpr std::size_t kCalibrationMuons = 60'000;
constexpr double kGhosts = 0.3;    // of the fakes
constexpr double kInJet = 0.45;    // of the chance pairs: both in one jet
constexpr double kOpposite = 0.3;  // in jets back to back
constexpr double kTwoPi = 2 * std::numbers::pi;

struct Toy {
    Detector detector;
    TrackFinder finder;
};

Toy toy_of(std::uint64_t seed) {
    Detector detector(seed);
    TrackFinder finder = TrackFinder::calibrated(detector, ~seed, kCalibrationMuons);
    return {std::move(detector), std::move(finder)};
}

/// Far apart for neighbouring blocks and seeds (the finaliser of splitmix64).
std::uint64_t block_seed(std::uint64_t seed, std::size_t block) {
    std::uint64_t x = seed * 0x9e3779b97f4a7c15U + block + 1;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/// What a tracker measures: far better than the trigger, not perfect.
OfflineMuon offline_of(const TrueMuon& muon, Random& random) {
    const double resolution = 0.008 + 0.0001 * muon.pt;
    return {static_cast<float>(muon.phi / kPhiUnit + 0.03 * random.normal()),
            static_cast<float>(muon.eta / kEtaUnit + 0.03 * random.normal()),
            static_cast<float>(muon.pt * (1 + resolution * random.normal()))};
}

struct Fired {
    std::vector<Hit> hits;
    L1Muon l1;
};

std::optional<Fired> fired(const Toy& toy, const TrueMuon& muon, Random& random) {
    if (std::abs(muon.eta) > 2.4 || muon.pt < 2.5) return std::nullopt;
    Fired made{toy.detector.hits_of(track_of(muon), random), {}};
    const auto candidate = toy.finder.candidate(made.hits);
    if (!candidate) return std::nullopt;
    made.l1 = *candidate;
    return made;
}

using Pair = std::pair<L1Muon, L1Muon>;

std::optional<Pair> real_pair(const Toy& toy, Random& random) {
    const auto [a, b] = draw_decay(random);
    const auto first = fired(toy, a, random);
    if (!first) return std::nullopt;
    const auto second = fired(toy, b, random);
    if (!second) return std::nullopt;
    return Pair{first->l1, second->l1};
}

/// A muon that is seen twice: by neighbouring sectors, from other hits, a little apart.
std::optional<Pair> ghost_pair(const Toy& toy, Random& random) {
    const auto first = fired(toy, draw_soft_muon(random), random);
    if (!first) return std::nullopt;
    auto ghost = toy.finder.candidate(first->hits, 1, 2);
    if (!ghost) ghost = first->l1;
    const int phi = ghost->phi + static_cast<int>(std::lround(14 * random.normal()));
    ghost->phi = (phi + 2 * kPhiUnits) % kPhiUnits;
    ghost->eta = std::clamp(ghost->eta + static_cast<int>(std::lround(10 * random.normal())),
                            -kMaxEta, kMaxEta);
    return Pair{first->l1, *ghost};
}

/// Two muons that have nothing to do with each other, or only a jet: some trigger pairs are near by
/// chance, most are anywhere, and they are as hard as muons that fire a trigger are.
std::optional<Pair> chance_pair(const Toy& toy, Random& random) {
    const TrueMuon one = draw_trigger_muon(random);
    const auto first = fired(toy, one, random);
    if (!first) return std::nullopt;
    TrueMuon other = draw_trigger_muon(random);
    const double kind = random.uniform();
    if (kind < kInJet) {
        other.eta = one.eta + 0.4 * random.normal();
        other.phi = one.phi + 0.4 * random.normal();
    } else if (kind < kInJet + kOpposite) {
        other.phi = one.phi + std::numbers::pi + 0.4 * random.normal();
    }
    other.phi -= kTwoPi * std::floor(other.phi / kTwoPi);
    const auto second = fired(toy, other, random);
    if (!second) return std::nullopt;
    return Pair{first->l1, second->l1};
}

/// Fills blocks on the settings' threads; on_progress hears of it between groups of blocks.
void for_each_block(const SampleSettings& settings, const OnProgress& on_progress,
                    const std::function<void(std::size_t, std::size_t, Random&)>& fill) {
    const std::size_t blocks = (settings.count + kBlock - 1) / kBlock;
    const std::size_t group = std::max<std::size_t>(settings.threads * 4, 1);
    for (std::size_t begin = 0; begin < blocks; begin += group) {
        on_progress(static_cast<double>(begin) / static_cast<double>(blocks));
        for_each_piece(std::min(group, blocks - begin), settings.threads, [&](std::size_t piece) {
            const std::size_t block = begin + piece;
            Random random(block_seed(settings.seed, block));
            fill(block * kBlock, std::min((block + 1) * kBlock, settings.count), random);
        });
    }
    on_progress(1);
}

Status check(const SampleSettings& settings) {
    if (settings.count > kMostInSample)
        return invalid_argument("a sample of " + std::to_string(settings.count) +
                                " does not fit in memory; ask for up to " +
                                std::to_string(kMostInSample));
    if (settings.count > 0) return ok_status();
    return invalid_argument("a sample of 0 has nothing to learn from; ask for at least 1");
}

}  // namespace

Result<MuonSample> generate_muons(const SampleSettings& settings, const OnProgress& on_progress) {
    BUNCH_RETURN_IF_ERROR(check(settings));
    const Toy toy = toy_of(settings.detector_seed);
    MuonSample sample;
    sample.l1.resize(settings.count);
    sample.offline.resize(settings.count);
    for_each_block(settings, on_progress, [&](std::size_t i, std::size_t end, Random& random) {
        while (i < end) {
            const TrueMuon muon = draw_muon(random);
            const auto made = fired(toy, muon, random);
            if (!made) continue;
            sample.l1[i] = made->l1;
            sample.offline[i++] = offline_of(muon, random);
        }
    });
    return sample;
}

Result<PairSample> generate_pairs(const SampleSettings& settings, const OnProgress& on_progress) {
    BUNCH_RETURN_IF_ERROR(check(settings));
    const Toy toy = toy_of(settings.detector_seed);
    PairSample sample;
    sample.first.resize(settings.count);
    sample.second.resize(settings.count);
    sample.real.resize(settings.count);
    for_each_block(settings, on_progress, [&](std::size_t i, std::size_t end, Random& random) {
        while (i < end) {
            const bool real = i % 2 == 0;
            const bool ghost = !real && random.uniform() < kGhosts;
            const auto pair = real    ? real_pair(toy, random)
                              : ghost ? ghost_pair(toy, random)
                                      : chance_pair(toy, random);
            if (!pair) continue;
            // The trigger sorts by momentum.
            const bool swap = pair->first.pt < pair->second.pt;
            sample.first[i] = swap ? pair->second : pair->first;
            sample.second[i] = swap ? pair->first : pair->second;
            sample.real[i++] = real ? 1 : 0;
        }
    });
    return sample;
}

}  // namespace bunch::muon
