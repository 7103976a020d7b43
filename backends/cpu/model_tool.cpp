#include "backends/cpu/model_tool.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "backends/cpu/model_commands.h"

namespace bunch::cpu {
namespace {

using Command = Status (*)(const ModelArguments& arguments);

CLI::App* add(CLI::App& app, ModelArguments& arguments, const char* name, const char* what,
              Command command, Command& chosen) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("file", arguments.file, "ONNX file")->required();
    sub->add_flag("--node-by-node", arguments.node_by_node,
                  "Make no plan even if there can be one");
    sub->add_option("--precision", arguments.precision, "f32, bf16, or int8 (QDQ files)")
        ->check(CLI::IsMember({"f32", "bf16", "int8"}))
        ->capture_default_str();
    sub->add_option("--plan-cache", arguments.plan_cache,
                    "Folder: time the ways to compute convolutions once, and keep the choice");
    sub->callback([command, &chosen] { chosen = command; });
    return sub;
}

// What a command says, or why it could not: tensors that no memory holds end here, too.
Status run(Command command, const ModelArguments& arguments) {
    try {
        return command(arguments);
    } catch (const std::bad_alloc&) {
        return resource_exhausted("not enough memory for '" + arguments.file +
                                  "' and its tensors; try fewer rows (--batch) or a smaller model");
    } catch (const std::exception& error) {
        return internal_error("'" + arguments.file + "': " + error.what());
    }
}

}  // namespace

int model_tool(int argc, const char* const* argv) {
    CLI::App app("Looks at a model file, runs and measures it on CPU cores, without a daemon.",
                 "bunch model");
    app.require_subcommand(1);
    ModelArguments arguments;
    Command chosen = nullptr;
    const auto count = CLI::Range(1U, 1U << 20);
    CLI::App* inspect =
        add(app, arguments, "inspect", "Operators, tensors, layers", inspect_model, chosen);
    inspect->add_option("--batch", arguments.batches, "Rows to prepare for")
        ->check(count)
        ->expected(1);
    inspect->add_option("--length", arguments.length, "Of extents left open besides rows")
        ->check(count);
    inspect->add_flag("--json", arguments.json, "Print JSON");
    CLI::App* runs =
        add(app, arguments, "run", "Inputs and outputs as .npy files", run_model, chosen);
    runs->add_option("--input", arguments.inputs, "NAME=FILE.npy, once per input")
        ->allow_extra_args(false);
    runs->add_option("--output-dir", arguments.output_dir,
                     "Where outputs go as NAME.npy; made if it is not there")
        ->capture_default_str();
    CLI::App* bench =
        add(app, arguments, "bench", "Time per batch and per layer", bench_model, chosen);
    bench->add_option("--batch", arguments.batches, "Rows, several with commas")
        ->delimiter(',')
        ->check(count);
    bench
        ->add_option("--threads", arguments.threads,
                     "Threads that a batch is spread over, several with commas")
        ->delimiter(',')
        ->check(CLI::Range(1U, 1024U));
    bench->add_option("--length", arguments.length, "Of extents left open besides rows")
        ->check(count);
    bench->add_option("--repeat", arguments.repeat, "Measurements, of which the median counts")
        ->check(count);
    bench->add_flag("--profile", arguments.profile, "Time of each layer");
    bench->add_flag("--json", arguments.json, "Print JSON");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const Status status = run(chosen, arguments);
    if (status.ok()) return 0;
    std::fprintf(stderr, "bunch: %s\n", status.to_string().c_str());
    return 1;
}

}  // namespace bunch::cpu
