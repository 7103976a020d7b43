/// The controller of Clockwork (Gujarati et al., "Serving DNNs like Clockwork", OSDI 2020), as the
/// paper's section on its scheduler and its published infer5 scheduler have it:
///
/// * A model has a queue per supported batch size (powers of two, and the limit). A request is in
///   all of them; it leaves that of size b when a batch of b would end after its deadline.
/// * Each non-empty queue is a strategy; its latest start is its oldest request's deadline minus
///   the estimated run of a full batch. A free executor takes the strategy that has to start first
///   and runs the largest size of that model for which the requests are there.
/// * Requests older than those of the batch leave all queues: they are not served any more. So do
///   those that not even a batch of one could serve in time on any device.
///
/// It never waits, and runs a lane as an executor of its own, the longest idle first. Estimates are
/// the exact profiles, with a margin for noise in place of its measured 99th percentile. A request
/// without deadline has 10 s and is never dropped. Requests of a model are taken to have equal
/// numbers of rows and deadlines in order. Not here: loading of models onto devices.
#pragma once

#include <memory>

#include "bench/simulation/rivals/rule.h"

namespace bunch::simulation {

std::unique_ptr<Rule> make_clockwork();

}  // namespace bunch::simulation
