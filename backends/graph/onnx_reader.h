/// Reads ONNX files into a Graph, for those who want the planned form or nothing. Every size, name
/// and index of the file is checked: a file that is corrupt, cut off, or asks for what we do not
/// have is refused with a sentence that says where.
/// Not for: models in general; operator_graph.h reads those.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch {

/// Operator set versions of the domain "ai.onnx" whose meaning the reader knows.
inline constexpr int kOldestOpset = 7;
inline constexpr int kNewestOpset = 20;

/// The graph of the file at `path`, shapes inferred. Tensors stored outside the file are read from
/// its folder and below only. Errors: not_found, invalid_argument (the file is wrong) and
/// unimplemented (an operator or form of it that we lack; names the node), all beginning with
/// `path`.
Result<Graph> read_onnx(const std::filesystem::path& path);

/// The same from bytes in memory; `folder` is where external tensors may lie, empty: nowhere.
Result<Graph> parse_onnx(std::span<const std::byte> bytes, const std::filesystem::path& folder);

}  // namespace bunch
