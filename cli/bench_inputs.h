/// What `bunch bench` sends: random inputs of a model's shape, all different, and the check of what
/// comes back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/request.h"
#include "core/model.h"
#include "core/result.h"
#include "protocol/kserve_v2.pb.h"

namespace bunch {

/// The model's tensors from its metadata. unimplemented for a model whose inputs have open extents
/// beside the rows: nobody here knows which would be right.
Result<ModelSignature> signature_of(const inference::ModelMetadataResponse& metadata);

/// A request of `rows` rows. Numbers are uniform in [-1, 1), integers in [0, 16); the same seed
/// gives the same request, different seeds give different ones.
Request random_request(const std::string& model, const ModelSignature& signature,
                       std::uint32_t rows, std::uint64_t seed);

/// Remembers what came back for one request that is sent again and again.
class AnswerCheck {
  public:
    /// Whether the outputs are right: an output called "echo" has the bytes of the first input, and
    /// all outputs are those of the first answer, within `tolerance` relative to their size.
    bool is_right(const Response& response, double tolerance);

  private:
    std::vector<NamedTensor> first_;
};

}  // namespace bunch
