/// The folder of a study: study.json says of which settings it is, networks/ has what was trained.
#pragma once

#include <string>

#include "core/result.h"

namespace bunch::muon {

/// Before anything is trained. A new study takes away what an earlier one left in the folder: its
/// networks and all that the report made of them. One that is resumed keeps the networks.
/// invalid_argument to resume a study of other settings or none, and for a folder with a networks/
/// that is no study's.
Status begin_study_folder(const std::string& folder, const std::string& settings, bool resume);

}  // namespace bunch::muon
