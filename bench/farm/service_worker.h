/// A worker that asks the service: as a job would, with the client library, and nothing else.
#pragma once

#include <string>

#include "bench/farm/crowd.h"
#include "bench/farm/phase.h"
#include "bench/farm/questions.h"
#include "core/status.h"

namespace bunch::farm {

/// Keeps `phase.in_flight` requests open until the window ends, then waits for those that are. A
/// request that fails is counted and followed by the next one.
Status work_with_service(Worker& worker, const Phase& phase, const Questions& questions,
                         const std::string& data_endpoint);

}  // namespace bunch::farm
