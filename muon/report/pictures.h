/// The report's pictures, as SVG texts by file name.
#pragma once

#include <map>
#include <string>

#include "core/result.h"
#include "muon/report/study.h"

namespace bunch::muon {

/// resolution.svg, roc.svg, pareto.svg, curves.svg: of the first seed, size and error of all.
Result<std::map<std::string, std::string>> pictures_of(const Study& study);

}  // namespace bunch::muon
