// bunch-runner-cpu: the daemon starts one for each CPU device; `bunch model` starts it to look at
// one model.
#include <string_view>

#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/model_tool.h"
#include "backends/cpu/threads.h"
#include "backends/runner/serve.h"

int main(int argc, char** argv) {
    bunch::cpu::wait_passively(argv);
    if (argc > 1 && std::string_view(argv[1]) == "model")
        return bunch::cpu::model_tool(argc - 1, argv + 1);
    return bunch::runner_main(argc, argv, bunch::make_cpu_backend);
}
