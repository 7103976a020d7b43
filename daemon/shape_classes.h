/// Which open calls of a model may share a batch, where it leaves extents of its inputs open
/// besides the rows: those whose inputs agree in all of them. Each such class has a number as long
/// as a call of it is open, so there are never more numbers than open calls. Used by the reactor
/// thread only.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/wire/segments.h"
#include "core/call.h"
#include "core/model.h"

namespace bunch {

/// Whether the model is batched and leaves an extent of an input open besides the rows.
bool has_shape_classes(const ModelSignature& signature);

class ShapeClasses {
  public:
    /// A device runs batches of up to `rows` rows in slots of `slot_bytes`.
    void add_device(std::uint32_t rows, std::uint64_t slot_bytes);

    /// Whether a full batch of rows like these fits the slots of every device; if not,
    /// invalid_argument with what would.
    Status check(const ModelSignature& signature, const std::vector<Tensor>& inputs);

    /// The class of a call with these inputs, which holds it until release().
    ShapeClass take(const std::vector<Tensor>& inputs);
    void release(ShapeClass held);

    /// Classes that are held.
    std::size_t size() const { return by_shape_.size(); }

  private:
    struct Class {
        std::string shape;  ///< its key in by_shape_
        std::uint32_t calls = 0;
    };

    std::uint32_t rows_ = 1;
    std::uint64_t slot_bytes_ = UINT64_MAX;
    std::unordered_map<std::string, ShapeClass> by_shape_;
    std::vector<Class> classes_;  ///< index is ShapeClass
    std::vector<ShapeClass> free_;
    // Reused for their memory.
    std::string key_;
    std::vector<Shape> shapes_;
    BatchLayout layout_;
};

}  // namespace bunch
