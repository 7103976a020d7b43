#include "bench/simulation/result.h"

#include <numeric>

namespace bunch::simulation {

std::uint64_t Ends::all_rejected() const {
    return std::accumulate(rejected.begin(), rejected.end(), std::uint64_t{0});
}

double Ends::part_in_objective() const {
    return offered == 0 ? 1 : static_cast<double>(in_objective) / static_cast<double>(offered);
}

Ends& Ends::operator+=(const Ends& other) {
    offered += other.offered;
    in_objective += other.in_objective;
    late += other.late;
    for (std::size_t i = 0; i < rejected.size(); ++i) rejected[i] += other.rejected[i];
    unfinished += other.unfinished;
    return *this;
}

Ends RunResult::all() const {
    Ends sum;
    for (const ModelResult& model : models) sum += model.ends;
    return sum;
}

std::uint64_t RunResult::swaps() const {
    std::uint64_t sum = 0;
    for (const ClassResult& one : classes) sum += one.swaps;
    return sum;
}

Latencies RunResult::latencies() const {
    Latencies sum;
    for (const ModelResult& model : models) sum.add(model.latencies);
    return sum;
}

double jain_index(const std::vector<double>& values) {
    double sum = 0;
    double squares = 0;
    for (const double value : values) {
        sum += value;
        squares += value * value;
    }
    return squares == 0 ? 1 : sum * sum / (static_cast<double>(values.size()) * squares);
}

}  // namespace bunch::simulation
