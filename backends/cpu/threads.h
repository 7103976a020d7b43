/// How many threads oneDNN uses, whatever the environment says.
#pragma once

#include <functional>

namespace bunch::cpu {

/// Lets the OpenMP runtime that oneDNN brings along use `count` threads for the calling thread.
/// Needed before primitives are made and before they run: oneDNN asks at both times. Without a
/// runtime (a oneDNN built otherwise) there is nothing to do.
void use_threads(unsigned count);
inline void use_one_thread() {
    use_threads(1);
}

/// Calls `work(i)` for all `i` below `count` on OpenMP's threads, those that oneDNN's primitives
/// have just run on, and so awake; on the calling thread alone without a runtime. `work` must not
/// throw.
void run_on_threads(unsigned count, const std::function<void(unsigned)>& work);

/// OpenMP's threads spin while they wait, which on a machine with other work costs all of it
/// dearly. Its runtime reads once, as it is loaded, that it should not: starts the program anew
/// with OMP_WAIT_POLICY=passive, and a wait of some microseconds before a thread sleeps, unless the
/// variable is set. For the beginning of main().
void wait_passively(char** argv);

}  // namespace bunch::cpu
