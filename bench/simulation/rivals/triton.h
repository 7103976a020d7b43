/// The dynamic batcher of NVIDIA's Triton Inference Server, as its model configuration documents it
/// (user guide, "Dynamic Batcher") and src/dynamic_batch_scheduler.cc of its core does it:
///
/// * Requests of a model queue first come, first served. When an instance is free, the longest run
///   of requests whose rows make a preferred size is sent at once.
/// * Otherwise the batch waits until it is preferred or full, or its oldest request has waited for
///   max_queue_delay; then all that waits goes, up to the maximum. Without a delay nothing waits.
/// * The queue policy is REJECT with each request's own timeout: one whose deadline has passed when
///   the batcher looks at it is answered with an error. Later ones are not foreseen.
/// * Instances of several models share a device: each runs one batch at a time, and the batch whose
///   oldest request came first goes first. With the rate limiter a lane is its resource, and the
///   model instance that has executed least goes first (equal priorities).
///
/// More generous than the original: the maximum and the preferred size are those of each device, as
/// if the models were configured for each, and all devices drain one queue. With a cap the operator
/// has chosen each device's maximum by its profile, which Triton itself does not know. Not here:
/// priorities and queue levels, response cache, preserve_ordering, per-instance preferences.
#pragma once

#include <memory>

#include "bench/simulation/rivals/rule.h"

namespace bunch::simulation {

struct TritonSettings {
    Duration delay{};      ///< max_queue_delay_microseconds
    double preferred = 1;  ///< the preferred size as a part of the maximum
    bool rate_limiter = false;
    double cap = 0;  ///< max_batch_size, as a part of the objective that its run takes; 0: none
};

std::unique_ptr<Rule> make_triton(const TritonSettings& settings);

}  // namespace bunch::simulation
