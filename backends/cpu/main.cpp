// bunch-runner-cpu: the daemon starts one for each CPU device.
#include "backends/cpu/cpu_backend.h"
#include "backends/runner/serve.h"

int main(int argc, char** argv) {
    return bunch::runner_main(argc, argv, bunch::make_cpu_backend);
}
