/// One thread per lane, whatever the environment says.
#pragma once

namespace bunch::cpu {

/// Keeps the OpenMP runtime that oneDNN brings along from starting threads for the calling thread.
/// Needed before primitives are made and before they run: oneDNN asks at both times. Without a
/// runtime (a oneDNN built otherwise) there is nothing to do.
void use_one_thread();

/// Cores that this process may run on, at least 1.
unsigned usable_cores();

}  // namespace bunch::cpu
