/// Independent pieces of work on several threads. Not a thread pool: threads live for one call.
/// Results must go to places of their own, so that they do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <functional>

namespace bunch::muon {

/// The cores of this machine, at least 1.
unsigned core_count();

/// Calls work(0) ... work(pieces - 1), each once, on up to `threads` threads; returns when all are
/// done. `work` must not throw.
void for_each_piece(std::size_t pieces, unsigned threads,
                    const std::function<void(std::size_t)>& work);

}  // namespace bunch::muon
