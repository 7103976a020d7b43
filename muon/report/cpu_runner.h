/// A network's ONNX file on the CPU runner of bunchd, as a program that is started.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/result.h"
#include "muon/encoding.h"

namespace bunch::muon {

/// bunch-runner-cpu beside this program, in a build tree or installed; "" if it is not there.
std::string cpu_runner();

inline constexpr std::size_t kRunnerRows = 1'000'000;  ///< the runner takes up to 1 << 20

/// How many of the numbers that the runner makes of these fields are not as expected. Fields
/// [N][inputs], `expected` [N][outputs]; in calls of so many rows. internal if the runner fails.
Result<std::size_t> differing_on_runner(const std::string& model, Task task,
                                        std::span<const std::int32_t> fields,
                                        std::span<const std::int32_t> expected,
                                        std::size_t rows_per_call = kRunnerRows);

}  // namespace bunch::muon
