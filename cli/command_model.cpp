// `bunch model`: a model file on the CPU runner, without a daemon. The runner's program does the
// work, so that `bunch` itself links no inference library.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "cli/commands.h"

namespace bunch {
namespace {

constexpr const char* kRunner = "bunch-runner-cpu";

/// Beside this program in a build tree, or installed.
std::filesystem::path runner_dir() {
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const auto installed = own.parent_path() / "libexec" / "bunch";
    return std::filesystem::is_directory(installed, error) ? installed : own;
}

/// Becomes the runner; returns only if that fails.
Status start(const std::string& folder, const std::vector<std::string>& words,
             const Console& console) {
    const auto path = (folder.empty() ? runner_dir() : std::filesystem::path(folder)) / kRunner;
    std::vector<std::string> arguments = {kRunner, "model"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    console.out.flush();
    ::execv(path.c_str(), pointers.data());
    return unavailable("cannot start " + path.string() + ": " + std::strerror(errno) +
                       " (install the CPU runner, or name its folder with --runner-dir)");
}

}  // namespace

void add_model_command(CLI::App& app, Action& chosen) {
    auto folder = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand(
        "model",
        "A model file without a daemon: inspect, run, bench (see 'bunch model inspect --help')");
    command->add_option("--runner-dir", *folder, "Where bunch-runner-cpu lies");
    command->prefix_command();
    command->callback([folder, command, &chosen] {
        chosen = [folder, words = command->remaining()](const Console& console) {
            return start(*folder, words, console);
        };
    });
}

}  // namespace bunch
