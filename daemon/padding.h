/// How requests of different lengths come to share batches: an open extent that the operator gave
/// buckets is padded to the smallest one that fits, the model is told by a mask or by lengths what
/// is data, and answers are cut back to the request's own length. Used by the reactor thread only.
/// Not here: the copying, which is core/rows.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/call.h"
#include "core/model.h"
#include "core/result.h"
#include "core/rows.h"
#include "core/tensor.h"

namespace bunch {

class Padding {
  public:
    /// No padding.
    Padding() = default;

    /// Finds what is configured in the tensors of the loaded model. Fails with a sentence for the
    /// operator where there is no such dimension, mask or length, or where it cannot be padded.
    static Result<Padding> make(const std::vector<PaddedDimension>& wanted,
                                const ModelSignature& signature);

    bool is_empty() const { return dimensions_.empty(); }

    /// Bit i: input i is a mask or a length, which a request may leave out.
    std::uint64_t made_inputs() const { return made_inputs_; }

    /// Gives types and shapes to the inputs of `left_out` (bits, of made_inputs()) of a call of
    /// `rows` rows, and says how many bytes they will have. invalid_argument as fit() says.
    Result<std::uint64_t> shape_inputs(std::uint64_t left_out, std::uint32_t rows,
                                       std::vector<Tensor>& inputs) const;

    /// After shape_inputs(): their elements. All of what the call sent is data.
    void fill_inputs(std::uint64_t left_out, std::vector<Tensor>& inputs) const;

    /// Sets `shapes` to those that the inputs of a call have in a batch, whatever its rows, and
    /// gives their class: 1 to kLastingClasses; 0 if further extents are open, so that buckets
    /// alone say too little. invalid_argument if inputs disagree about a length, or it is above
    /// the largest bucket.
    Result<ShapeClass> fit(const std::vector<Tensor>& inputs, std::vector<Shape>& shapes) const;

    /// What input `i` is padded with.
    ElementBytes value_of(std::size_t i) const { return is_empty() ? ElementBytes{} : values_[i]; }

    /// Whether some output has an extent that is cut back.
    bool cuts_outputs() const { return cuts_outputs_; }

    /// The part of output `i` that is the call's: `made` with its own lengths.
    Shape cut(std::size_t i, const Shape& made, const std::vector<Tensor>& inputs) const;

  private:
    /// An extent of a tensor.
    struct Place {
        std::size_t tensor = 0;
        std::size_t axis = 0;
    };
    struct Dimension {
        PaddedDimension rule;
        std::vector<Place> inputs;  ///< first one that a request always has, then the others
        std::vector<Place> outputs;
        std::optional<std::size_t> mask;    ///< index of the input
        std::optional<std::size_t> length;  ///< index of the input
    };

    Status add(const PaddedDimension& rule, const ModelSignature& signature);
    Status set_value(const Dimension& dimension, const ModelSignature& signature);
    void look_for_other_open_extents(const ModelSignature& signature);
    Result<std::int64_t> length_of(const Dimension& dimension, const std::vector<Tensor>& inputs,
                                   std::uint64_t left_out) const;

    std::vector<Dimension> dimensions_;
    std::vector<TensorSpec> inputs_;  ///< of the signature: names for messages, and shapes
    std::vector<ElementBytes> values_;
    std::uint64_t made_inputs_ = 0;
    bool cuts_outputs_ = false;
    bool is_complete_ = false;  ///< no other extents are open
};

}  // namespace bunch
