#include "backends/cpu/threads.h"

#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

namespace bunch::cpu {

// Looked up instead of linked: which runtime (GNU's or LLVM's) is oneDNN's choice, not that of the
// compiler that builds us, and two of them in one process would not know of each other.
void use_threads(unsigned count) {
    using SetThreads = void (*)(int);
    static const auto set_threads =
        reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set_threads != nullptr) set_threads(static_cast<int>(count));
}

void wait_passively(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("GOMP_SPINCOUNT", "1000", 0);  // GNU's: some microseconds, from one layer to the next
    execv("/proc/self/exe", argv);        // where it fails, threads spin
}

unsigned usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
    const int count = CPU_COUNT(&cores);
    return count < 1 ? 1U : static_cast<unsigned>(count);
}

}  // namespace bunch::cpu
