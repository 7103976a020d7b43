#include "muon/commands.h"

#include <cstdio>

namespace bunch::muon {
namespace {

constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;

}  // namespace

int run(int argc, const char* const* argv) {
    CLI::App app(
        "bunch-muon: small networks for muons in a 40 MHz trigger, from a toy detector to a "
        "compressed network in hardware. docs/MUON.md walks through it.",
        "bunch-muon");
    app.require_subcommand(1);
    Action chosen;
    add_generate_command(app, chosen);
    add_train_command(app, chosen);
    add_compress_command(app, chosen);
    add_evaluate_command(app, chosen);
    add_export_command(app, chosen);
    add_rtl_command(app, chosen);
    add_kernel_command(app, chosen);
    add_verify_command(app, chosen);
    add_vectors_command(app, chosen);
    add_report_command(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsedWrongly;
    }
    const Status status = chosen();
    if (status.ok()) return 0;
    std::fprintf(stderr, "bunch-muon: %s\n", status.to_string().c_str());
    return kFailed;
}

}  // namespace bunch::muon
