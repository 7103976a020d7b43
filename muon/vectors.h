/// Vectors to compare other executors with the integers: fields that the wires can carry, and what
/// the hardware makes of them. Not a sample: no physics is in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/quantised/integer_network.h"

namespace bunch::muon {

/// Of one command, which holds all of them in memory.
inline constexpr int kMostVectors = 20'000'000;

/// `vectors` rows of [5] or [10] fields, every value of a wire equally likely. Equal seeds give
/// equal fields.
std::vector<std::int32_t> wire_fields(Task task, std::size_t vectors, std::uint64_t seed);

/// Cuts `fields` to so many rows of the task, or adds rows of wire_fields().
void fill_up(std::vector<std::int32_t>& fields, Task task, std::size_t vectors, std::uint64_t seed);

/// Writes fields.npy (INT16 [N,5] or [N,10]), expected.npy (INT16 [N,3] or [N,1]) and vectors.json
/// (the network's identity, seed and count; written last) into `folder`.
Status write_vectors(const std::string& folder, const IntegerNetwork& network, std::size_t vectors,
                     std::uint64_t seed);

}  // namespace bunch::muon
