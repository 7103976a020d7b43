/// Whether the report's figures meet what was asked for.
#pragma once

#include <string>

#include "muon/report/text.h"

namespace bunch::muon {

/// A Markdown table of what must be met and what is aimed at, judged by means over the seeds, and
/// by the worst seed where it is about hardware.
std::string targets_of(const ReportInput& input);

}  // namespace bunch::muon
