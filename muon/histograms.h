/// Pictures of samples, to look at before anything is trained on them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/plot/plot.h"
#include "muon/fields.h"
#include "muon/figures.h"

namespace bunch::muon {

/// What the trigger's own numbers are wrong by.
Errors raw_errors(const MuonSample& sample);

/// The outline of a histogram with `bins` between `low` and `high`, its area 1.
plot::PlotSeries histogram(const std::string& name, const std::string& color,
                           std::span<const float> values, double low, double high,
                           std::size_t bins = 60);

/// A figure of the values in each of ten bins of offline momentum, equal in log(pt).
plot::PlotSeries against_pt(const std::string& name, const std::string& color,
                            const MuonSample& sample, std::span<const float> values,
                            const std::function<double(std::span<const float>)>& figure);

/// SVG: spectra, errors of phi, eta and pt, charge and bias against pt.
std::string muon_pictures(const MuonSample& sample);

/// SVG: differences in phi, eta and momenta of real and fake pairs.
std::string pair_pictures(const PairSample& sample);

}  // namespace bunch::muon
