#include "muon/records.h"

#include <filesystem>

namespace bunch::muon {

Status remove_record(const std::string& path) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (!error) return ok_status();
    return unavailable("'" + path + "' is of older files and cannot be removed: " +
                       error.message() + "; remove it, or choose another folder");
}

}  // namespace bunch::muon
