/// Which muons there are: momenta, directions and vertices, single ones and decays of two.
#pragma once

#include <utility>

#include "muon/toy/primitive.h"
#include "zoo/random.h"

namespace bunch::muon {

/// Flat in log(pt) from 2.5 to 150 GeV and in eta to |2.4|: as many muons for each factor in
/// momentum, so that a network learns all of them.
TrueMuon draw_muon(Random& random);

/// One of the many soft muons of a crossing: pt falls with its third power from 3 GeV.
TrueMuon draw_soft_muon(Random& random);

/// A muon of a pair that fires the trigger without being a decay of two: half as steep, and some
/// from vector bosons.
TrueMuon draw_trigger_muon(Random& random);

/// Z -> mu mu, J/psi -> mu mu, or two muons of one bottom quark's cascade, by turns of chance.
std::pair<TrueMuon, TrueMuon> draw_decay(Random& random);

}  // namespace bunch::muon
