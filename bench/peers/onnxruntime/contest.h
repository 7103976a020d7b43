/// One model, two executors, turns taken in one process: block of calls by block of calls, so that
/// whatever else the machine does meets both alike.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "backends/cpu/cpu_model.h"
#include "bench/peers/onnxruntime/ort_session.h"
#include "core/result.h"

namespace bunch::peers {

/// What to measure.
struct ContestCase {
    std::uint32_t rows = 1;
    std::uint32_t threads = 1;
    std::int64_t length = 16;  ///< of extents left open besides rows
    std::uint32_t rounds = 9;
};

/// Medians over rounds. With one thread processor time, which on an idle core is the time that
/// passes; with more threads the time that passes.
struct ContestResult {
    double bunch_seconds = 0;  ///< for `rows` rows
    double ort_seconds = 0;
    double ratio = 0;      ///< how many times as fast as ONNX Runtime: median of the rounds' ratios
    double deviation = 0;  ///< largest difference of the outputs, relative to the largest output
};

/// With several threads both run one batch on all of them. `model` was loaded for as many.
Result<ContestResult> contest(const OrtLibrary& library, const std::string& path,
                              const cpu::CpuModel& model, const ContestCase& given);

}  // namespace bunch::peers
