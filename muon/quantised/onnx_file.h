/// A network of integers as an ONNX file, and back: the one artefact that every backend runs and
/// that the RTL is made of. Opset 13, QDQ, raw fields in ("fields", INT32 [N,5] or [N,10]: phi,
/// eta, pt, charge, quality), hardware's integers out ("corrected", INT32 [N,3], or "logit").
/// Fold, table and un-folding are in the graph.
///
/// FP32 computes it exactly: all scales are powers of two and all sums are below 2^23. Biases are
/// stored with half a unit more, so that no sum lies between two integers; QuantizeLinear's
/// rounding to even then equals the hardware's.
#pragma once

#include <string>

#include "core/result.h"
#include "muon/quantised/integer_network.h"

namespace bunch::muon {

/// The file's bytes; equal networks give equal bytes. The network must pass check().
std::string onnx_bytes(const IntegerNetwork& network);

/// Reads what onnx_bytes() writes, and nothing else: invalid_argument names the first difference
/// that it can, or says that the graph is another one.
Result<IntegerNetwork> parse_onnx(const std::string& bytes);

Status write_onnx(const std::string& path, const IntegerNetwork& network);
Result<IntegerNetwork> read_onnx(const std::string& path);

/// Tells files apart in manifests: file_hash() of core.
std::string hash_of(const std::string& bytes);

}  // namespace bunch::muon
