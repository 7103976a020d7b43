#include "muon/scratch_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bunch::muon {

namespace fs = std::filesystem;

Result<ScratchFolder> ScratchFolder::make() {
    std::error_code error;
    const fs::path parent = fs::temp_directory_path(error);
    std::string pattern = (parent / "bunch-muon-XXXXXX").string();
    if (!error && ::mkdtemp(pattern.data()) != nullptr) return ScratchFolder(std::move(pattern));
    return unavailable("no folder for temporary files can be made as '" + pattern +
                       "': " + (error ? error.message() : std::strerror(errno)) +
                       "; set TMPDIR to a folder that can be written to");
}

ScratchFolder::~ScratchFolder() {
    std::error_code error;  // what is left behind is only temporary
    if (!path_.empty()) fs::remove_all(path_, error);
}

}  // namespace bunch::muon
