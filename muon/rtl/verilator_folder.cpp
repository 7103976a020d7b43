#include "muon/rtl/verilator_folder.h"

#include "muon/rtl/programs.h"

namespace bunch::muon {

Result<ScratchFolder> verilator_folder() {
    BUNCH_RETURN_IF_ERROR(need_program("verilator"));
    BUNCH_ASSIGN_OR_RETURN(ScratchFolder folder, ScratchFolder::make());
    if (folder.path().find_first_of(" \t'\"$#\\") == std::string::npos) return folder;
    return unavailable("Verilator cannot work in '" + folder.path() +
                       "'; set TMPDIR to a folder without spaces, quotes and $ in its name");
}

}  // namespace bunch::muon
