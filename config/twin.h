/// What a model's file says of a twin: the same network in other arithmetic, for devices of other
/// kinds. Only a manifest says something, a TOML file with
///
///     [twin]
///     path = "model.onnx"
///     max_deviation = 0.01     # the largest difference of an output that was found
///     hash = "0123..."         # of that file, optional
#pragma once

#include <string>

#include "core/result.h"

namespace bunch {

struct StatedTwin {
    std::string path;  ///< absolute
    double max_deviation = 0;
    std::string hash = {};  ///< of that file (core/file_hash.h), if it is stated
};

/// Errors are the end of a sentence that begins with the file.
Result<StatedTwin> read_stated_twin(const std::string& manifest);

}  // namespace bunch
