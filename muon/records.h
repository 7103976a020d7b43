/// Records: the file of a folder that is written last. It says how the others were made, and that
/// all of them are there.
#pragma once

#include <string>

#include "core/result.h"

namespace bunch::muon {

/// Removes the record of older files, before the first of them changes: a folder whose files are of
/// two times must not look complete. unavailable if it is there and stays.
Status remove_record(const std::string& path);

}  // namespace bunch::muon
