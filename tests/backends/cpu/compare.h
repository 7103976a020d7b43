/// Runs a test network on the executor and holds its outputs against the reference.
#pragma once

#include <cstdint>
#include <string>

#include "backends/cpu/program.h"
#include "backends/graph/graph.h"
#include "core/result.h"
#include "tests/backends/graph/network.h"

namespace bunch::test_network {

/// The network written as ONNX and read again; simplified if asked for.
Result<Graph> graph_of(const Network& network, bool simplified);

struct CompareOptions {
    std::uint32_t max_rows = 5;
    double tolerance = 2e-5;  ///< of 1 + the largest expected number
    cpu::ProgramOptions program;
    bool simplified = true;
};

/// Runs every batch from one row to max_rows with random inputs (a model of fixed shape once), and
/// checks that nothing is written outside the outputs. Reports through GoogleTest.
void expect_reference(const Network& network, unsigned seed, const CompareOptions& options = {});

/// expect_reference() in every way that plans can be made: simplified or as read, with and without
/// Winograd, fused dense layers and shared memory.
void expect_reference_every_way(const Network& network, unsigned seed);

}  // namespace bunch::test_network
