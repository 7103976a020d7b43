/// What one simulated run showed: counts, times and shares, of what arrived after the warm-up.
/// Values only; measures.h fills them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/simulation/latencies.h"
#include "core/time.h"
#include "scheduler/decision.h"

namespace bunch::simulation {

/// How requests ended. Each that was offered ends in exactly one of the other ways.
struct Ends {
    std::uint64_t offered = 0;
    std::uint64_t in_objective = 0;  ///< answered by their deadline, or without having one
    std::uint64_t late = 0;          ///< answered after it
    std::array<std::uint64_t, kRejectReasons> rejected{};
    std::uint64_t unfinished = 0;  ///< neither answered nor rejected long after the end

    std::uint64_t all_rejected() const;
    /// in_objective / offered; 1 when nothing was offered.
    double part_in_objective() const;
    Ends& operator+=(const Ends& other);
};

struct ModelResult {
    std::string name;
    Ends ends;
    Latencies latencies;  ///< of the answered ones
    std::uint64_t batches = 0;
    std::uint64_t rows = 0;  ///< in those batches
    std::array<std::uint64_t, kCloseReasons> closed_by{};
};

struct TenantResult {
    std::string name;
    bool floods = false;
    double weight = 1;
    Ends ends;
};

struct ClassResult {
    std::string name;
    double duty = 0;         ///< part of its lanes' time in which they ran
    double useful_duty = 0;  ///< duty, each run weighed by its rows' cost in a full batch
    std::uint64_t batches = 0;
    std::uint64_t rows = 0;
    std::uint64_t swaps = 0;  ///< of the whole run, warm-up included
};

struct RunResult {
    std::vector<ModelResult> models;
    std::vector<TenantResult> tenants;
    std::vector<ClassResult> classes;
    double seconds = 0;            ///< virtual, that were measured
    double events_per_second = 0;  ///< answers within the measured time
    std::uint64_t requests = 0;    ///< of the whole run, warm-up included
    std::uint64_t decisions = 0;
    std::uint64_t fingerprint = 0;  ///< over all decisions and their times, in order
    double wall_seconds = 0;        ///< of the machine that simulated; differs from run to run

    Ends all() const;
    std::uint64_t swaps() const;
    Latencies latencies() const;  ///< of all models
};

/// Jain's index of fairness, (Σx)² / (n Σx²): 1 is equal, 1/n is all for one.
double jain_index(const std::vector<double>& values);

}  // namespace bunch::simulation
