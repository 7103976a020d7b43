#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "backends/runner/serve.h"

namespace bunch {
namespace {

/// "key=value" texts; the first '=' divides. Nothing if one has no key or no '='.
std::optional<BackendOptions> parse_options(const std::vector<std::string>& texts) {
    BackendOptions options;
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        if (equals == 0 || equals == std::string::npos) {
            std::fprintf(stderr, "--option %s: write it as KEY=VALUE\n", text.c_str());
            return std::nullopt;
        }
        options[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return options;
}

}  // namespace

int runner_main(int argc, char** argv, BackendFactory factory) {
    CLI::App app("Runs batches on one device for bunchd, which starts this program by itself.");
    int control_fd = -1;
    std::vector<std::string> texts;
    app.add_option("--control-fd", control_fd, "Descriptor of the control channel, a socket")
        ->required();
    app.add_option("--option", texts, "Option of the device, KEY=VALUE; may be repeated")
        ->allow_extra_args(false);
    CLI11_PARSE(app, argc, argv);
    const auto options = parse_options(texts);
    if (!options) return 2;
    if (::fcntl(control_fd, F_SETFD, FD_CLOEXEC) != 0) {
        std::fprintf(stderr, "--control-fd %d: no such descriptor; bunchd starts runners\n",
                     control_fd);
        return 2;
    }
    return serve(Channel(UniqueFd(control_fd)), [&] { return factory(*options); });
}

}  // namespace bunch
