/// The texts around the generated core that only its widths and latency shape: the AXI4-Stream
/// wrapper, and the C++ of the test bench that Verilator compiles with it.
#pragma once

#include <string>

namespace bunch::muon {

std::string stream_text(int input_bits, int output_bits, int latency);

/// Reads vectors and expected results, drives the stream, prints what it saw as one line of JSON.
/// The bench's arguments: MODE (stream or crossings) INPUTS EXPECTED SEED STALLS
/// CLOCKS_PER_CROSSING.
std::string bench_text();

}  // namespace bunch::muon
