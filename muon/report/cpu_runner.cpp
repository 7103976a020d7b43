#include "muon/report/cpu_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "muon/rtl/programs.h"
#include "muon/sample_file.h"
#include "muon/scratch_folder.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;

/// How many of the numbers that the runner makes of these fields are not as expected.
Result<std::size_t> count_differing(const std::string& program, const std::string& model, Task task,
                                    std::span<const std::int32_t> fields,
                                    std::span<const std::int32_t> expected) {
    BUNCH_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::make());
    const std::string inputs = scratch.path() + "/fields.npy";
    BUNCH_RETURN_IF_ERROR(write_integers(inputs, fields, input_count(task, Encoding::raw)));
    BUNCH_RETURN_IF_ERROR(
        output_of(fmt::format("{} model run {} --input {} --output-dir {}", quoted(program),
                              quoted(model), quoted("fields=" + inputs), quoted(scratch.path())))
            .status());
    const std::string made =
        scratch.path() + (task == Task::pair ? "/logit.npy" : "/corrected.npy");
    BUNCH_ASSIGN_OR_RETURN(const auto found, read_integers(made, output_count(task)));
    if (found.size() != expected.size()) return expected.size();
    std::size_t differing = 0;
    for (std::size_t i = 0; i < found.size(); ++i) differing += found[i] != expected[i] ? 1 : 0;
    return differing;
}

}  // namespace

std::string cpu_runner() {
    std::error_code error;
    const fs::path own = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const fs::path& folder :
         {own, own.parent_path() / "bin", own.parent_path() / "libexec" / "bunch"})
        if (fs::exists(folder / "bunch-runner-cpu", error))
            return (folder / "bunch-runner-cpu").string();
    return "";
}

Result<std::size_t> differing_on_runner(const std::string& model, Task task,
                                        std::span<const std::int32_t> fields,
                                        std::span<const std::int32_t> expected,
                                        std::size_t rows_per_call) {
    const std::size_t inputs = input_count(task, Encoding::raw), outputs = output_count(task);
    const std::size_t vectors = fields.size() / inputs;
    const std::string program = cpu_runner();
    std::size_t differing = 0;
    for (std::size_t begin = 0; begin < vectors; begin += rows_per_call) {
        const std::size_t rows = std::min(rows_per_call, vectors - begin);
        BUNCH_ASSIGN_OR_RETURN(
            const std::size_t here,
            count_differing(program, model, task, fields.subspan(begin * inputs, rows * inputs),
                            expected.subspan(begin * outputs, rows * outputs)));
        differing += here;
    }
    return differing;
}

}  // namespace bunch::muon
