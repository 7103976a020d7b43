/// A device that exists only as a service time: a batch of b rows takes fixed + b * per_row, times
/// a random factor if there is noise, and one lane runs one batch after the other. For
/// demonstrations, tests and benchmarks; its device class begins with "simulated" so that nobody
/// takes its figures for a device's.
///
/// Answers are echoes: element j of a row of output i is element j modulo the row's length of input
/// i modulo the number of inputs. So whatever identifies a row in its input comes back in its
/// answer. Models need no file; their signature is declared in the configuration.
///
/// It can stand for a device that is reconfigured: models with an image run only while the device
/// holds that, and making another one resident takes load_time.
///
/// Options: fixed ("5ms"), per_row ("100us"), lanes, slots, device_class, noise ("0.03"), seed,
/// load_time, and of one model NAME "NAME.fixed", "NAME.per_row", "NAME.rows" (limit of a batch),
/// "NAME.image", "NAME.broken" (true: the image cannot be made resident).
#pragma once

#include <memory>

#include "backends/runner/backend.h"

namespace bunch {

Result<std::unique_ptr<Backend>> make_simulated_backend(const BackendOptions& options);

}  // namespace bunch
