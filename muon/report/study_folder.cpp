#include "muon/report/study_folder.h"

#include <filesystem>
#include <vector>

#include "muon/encoding.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;

/// Whether a report makes an entry of this name in its folder, besides study.json and networks/.
bool is_of_report(const std::string& name) {
    for (const char* made :
         {"report.md", "report.json", "resolution.svg", "roc.svg", "pareto.svg", "curves.svg"})
        if (name == made) return true;
    for (const Task task : {Task::recalibration, Task::pair}) {
        const std::string of(name_of(task));
        if (name == of || name == of + ".onnx" || name == "rtl_" + of ||
            name.rfind(of + "_seed_", 0) == 0 || name.rfind("rtl_" + of + "_seed_", 0) == 0)
            return true;
    }
    return false;
}

Status remove_report(const std::string& folder) {
    std::error_code error;
    std::vector<fs::path> made;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
        if (is_of_report(entry.path().filename().string())) made.push_back(entry.path());
    for (const fs::path& path : made)
        if (!error) fs::remove_all(path, error);
    if (!error) return ok_status();
    return unavailable("'" + folder +
                       "': what an earlier report left cannot be removed: " + error.message());
}

}  // namespace

Status begin_study_folder(const std::string& folder, const std::string& settings, bool resume) {
    const std::string record = folder + "/study.json", networks = folder + "/networks";
    std::error_code error;
    const bool begun = fs::exists(record, error);
    if (resume && !begun)
        return invalid_argument("there is no study to go on with in '" + folder +
                                "'; begin one without --continue");
    if (resume) {
        BUNCH_ASSIGN_OR_RETURN(const std::string before, read_text(record));
        if (before != settings)
            return invalid_argument("'" + record + "' is of a study with other settings, or of " +
                                    "another version of this program; give the same options, or " +
                                    "begin anew without --continue");
        return remove_report(folder);
    }
    if (!fs::exists(folder, error)) return write_text(record, settings);
    if (!begun && fs::exists(networks, error))
        return invalid_argument("'" + networks + "' is there, but no study of this program; " +
                                "choose another folder");
    fs::remove_all(networks, error);
    if (error) return unavailable("'" + networks + "' cannot be removed: " + error.message());
    BUNCH_RETURN_IF_ERROR(remove_report(folder));
    return write_text(record, settings);
}

}  // namespace bunch::muon
