/// Runs one phase of the comparison: the same workers, the same questions, first each for itself
/// with the executor of bunch-runner-cpu, then through the service.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/farm/phase.h"
#include "bench/farm/progress.h"
#include "bench/farm/result.h"
#include "core/result.h"

namespace bunch::farm {

struct FarmOptions {
    std::size_t workers = 32;
    std::string models = ".";  ///< folder of the .onnx files, named as the phases
    std::string data_endpoint;
    std::string http_address;
    bool without_service = true;
    bool with_service = true;
    bool curves = true;
    double time_scale = 1;  ///< of every measured time
    std::uint64_t seed = 1;
};

/// How many steps of progress the phase takes.
std::size_t steps_of(const Phase& phase, const FarmOptions& options);

/// Needs a process without further threads, and the daemon up if `with_service`.
Result<PhaseResult> run_phase(const Phase& phase, const FarmOptions& options, Progress& progress);

}  // namespace bunch::farm
