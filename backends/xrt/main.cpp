#include "backends/runner/serve.h"
#include "backends/xrt/xrt_backend.h"

int main(int argc, char** argv) {
    return bunch::runner_main(argc, argv, bunch::make_xrt_backend);
}
