/// What `bunch bench` prints: rates and latencies as the clients saw them, and what the daemon's
/// own counters say of the same time.
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "cli/bench_processes.h"
#include "protocol/bunch_status.pb.h"

namespace bunch {

/// Of the devices that run the model. Nothing where the daemon does not tell.
struct DaemonView {
    std::optional<double> mean_batch_rows;
    std::optional<double> duty_cycle;   ///< share of the lanes' time spent computing
    std::optional<double> useful_duty;  ///< the same, had every batch been full
};

/// What happened between two answers to Status; empty if one of them is.
DaemonView daemon_view(const std::optional<v1::StatusResponse>& before,
                       const std::optional<v1::StatusResponse>& after, const std::string& model);

void write_bench_json(const BenchPlan& plan, const BenchResult& result, const DaemonView& daemon,
                      std::ostream& out);
void write_bench_text(const BenchPlan& plan, const BenchResult& result, const DaemonView& daemon,
                      std::ostream& out);

}  // namespace bunch
