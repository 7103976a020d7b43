#include "backends/runner/serve.h"
#include "backends/simulated/simulated_backend.h"

int main(int argc, char** argv) {
    return bunch::runner_main(argc, argv, bunch::make_simulated_backend);
}
