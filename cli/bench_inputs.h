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

/// How long requests are in extents that a model leaves open beside its rows.
struct BenchLengths {
    /// Inputs that have the same length in one request, drawn from `least` to `most`.
    struct Range {
        std::vector<std::string> inputs;
        std::int64_t least = 1;
        std::int64_t most = 1;
    };
    std::vector<Range> ranges;
    std::vector<std::string> without;  ///< inputs that are not sent: masks that the daemon makes
};

/// "particles=8..50", "points,features=8..50" or "x=30".
Result<BenchLengths::Range> parse_lengths(const std::string& text);

/// The model's tensors from its metadata, but for inputs that are not sent. invalid_argument for
/// open extents beside the rows of which `lengths` says nothing, and for inputs that the model has
/// not.
Result<ModelSignature> signature_of(const inference::ModelMetadataResponse& metadata,
                                    const BenchLengths& lengths = {});

/// The signature with all lengths chosen; the same for the same seed.
ModelSignature with_lengths(const ModelSignature& signature, const BenchLengths& lengths,
                            std::uint64_t seed);

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
