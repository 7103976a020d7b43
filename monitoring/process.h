/// What the kernel knows of this process, for the metrics process_*. Linux only.
#pragma once

#include <cstdint>

namespace bunch {

/// A number that could not be read is 0.
struct ProcessUsage {
    std::uint64_t open_descriptors = 0;
    std::uint64_t max_descriptors = 0;
    std::uint64_t resident_bytes = 0;
    double cpu_seconds = 0;         ///< user and system, of all threads
    double start_time_seconds = 0;  ///< since 1970
};

ProcessUsage read_process_usage();

}  // namespace bunch
