#include "cli/run.h"

namespace bunch {
namespace {

constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;

}  // namespace

int run(int argc, const char* const* argv, Console console) {
    CLI::App app(
        "bunch: asks, uses and measures a bunchd, which runs machine-learning inference "
        "for many processes on shared accelerators.",
        "bunch");
    app.set_version_flag("--version", BUNCH_VERSION);
    app.require_subcommand(1);
    Action chosen;
    add_status_command(app, chosen);
    add_model_command(app, chosen);
    add_models_command(app, chosen);
    add_infer_command(app, chosen);
    add_bench_command(app, chosen);
    add_trace_command(app, chosen);
    add_zoo_command(app, chosen);
    add_xclbin_command(app, chosen);
    add_doctor_command(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::RequiredError& error) {
        // CLI11 says only that a command is missing, even if there is one that it does not know.
        for (const std::string& word : app.remaining(true))
            console.error << "'" << word << "' is not known here. ";
        app.exit(error, console.out, console.error);
        return kUsedWrongly;
    } catch (const CLI::ParseError& error) {
        return app.exit(error, console.out, console.error) == 0 ? 0 : kUsedWrongly;
    }
    const Status status = chosen(console);
    if (status.ok()) return 0;
    console.error << "bunch: " << status.to_string() << '\n';
    return kFailed;
}

}  // namespace bunch
