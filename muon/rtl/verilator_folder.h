/// Where Verilator works: among the system's temporary files, never in a folder of the user.
#pragma once

#include "core/result.h"
#include "muon/scratch_folder.h"

namespace bunch::muon {

/// A new folder that Verilator can work in. unavailable without verilator, or if TMPDIR (or /tmp)
/// takes none or has a name that Verilator's makefiles cannot carry.
Result<ScratchFolder> verilator_folder();

}  // namespace bunch::muon
