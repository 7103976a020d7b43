#include "backends/cpu/threads.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace bunch::cpu {

// Looked up instead of linked: which runtime (GNU's or LLVM's) is oneDNN's choice, not that of the
// compiler that builds us, and two of them in one process would not know of each other.
void use_threads(unsigned count) {
    using SetThreads = void (*)(int);
    static const auto set_threads =
        reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set_threads != nullptr) set_threads(static_cast<int>(count));
}

// The entry point that GCC's `#pragma omp parallel` calls; LLVM's runtime has it too.
void run_on_threads(unsigned count, const std::function<void(unsigned)>& work) {
    using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
    static const auto parallel = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    if (parallel == nullptr) {
        for (unsigned i = 0; i < count; ++i) work(i);
        return;
    }
    struct Job {
        const std::function<void(unsigned)>& work;
        unsigned count;
        std::atomic<unsigned> next = 0;
    } job{work, count};
    // Of a team that the runtime makes smaller than asked for, some do more.
    const auto take = [](void* data) {
        auto& mine = *static_cast<Job*>(data);
        for (unsigned i = mine.next++; i < mine.count; i = mine.next++) mine.work(i);
    };
    parallel(take, &job, count, 0);
}

void wait_passively(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("GOMP_SPINCOUNT", "1000", 0);  // GNU's: some microseconds, from one layer to the next
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error) execv(program.c_str(), argv);  // where it fails, threads spin
}

}  // namespace bunch::cpu
