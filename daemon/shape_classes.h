/// Which open calls of a model may share a batch, where it leaves extents of its inputs open
/// besides the rows: those whose inputs agree in all of them, padded (padding.h) or as they came.
/// Each such class has a number as long as a call of it is open, and at most kMost are open at a
/// time. Used by the reactor thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/wire/segments.h"
#include "core/call.h"
#include "core/model.h"
#include "core/result.h"

namespace bunch {

/// Whether the model is batched and leaves an extent of an input open besides the rows.
bool has_shape_classes(const ModelSignature& signature);

class ShapeClasses {
  public:
    /// Each is a line of its own for the scheduler, which looks at all of them.
    static constexpr std::size_t kMost = 256;

    /// A device runs batches of up to `rows` rows in slots of `slot_bytes`.
    void add_device(std::uint32_t rows, std::uint64_t slot_bytes);

    /// Whether a full batch of rows like these fits the slots of every device; if not,
    /// invalid_argument with what would. `inputs` are shapes in the order of the signature, of any
    /// rows.
    Status check(const ModelSignature& signature, std::span<const Shape> inputs);

    /// The class of a call with inputs of these shapes, which holds it until release(): a number
    /// above kLastingClasses. resource_exhausted if it would be one more than kMost.
    Result<ShapeClass> take(std::span<const Shape> inputs);

    /// No-op for a class that lasts.
    void release(ShapeClass held);

    /// Classes that are held.
    std::size_t size() const { return by_shape_.size(); }

  private:
    static constexpr ShapeClass kFirst = kLastingClasses + 1;

    struct Class {
        std::string shape;  ///< its key in by_shape_
        std::uint32_t calls = 0;
    };

    std::uint32_t rows_ = 1;
    std::uint64_t slot_bytes_ = UINT64_MAX;
    std::unordered_map<std::string, ShapeClass> by_shape_;
    std::vector<Class> classes_;  ///< index is ShapeClass - kFirst
    std::vector<ShapeClass> free_;
    // Reused for their memory.
    std::string key_;
    std::vector<Shape> shapes_;
    BatchLayout layout_;
};

}  // namespace bunch
