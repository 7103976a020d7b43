#include "daemon/shape_classes.h"

#include <algorithm>

#include "core/check.h"

namespace bunch {
namespace {

/// Ranks and extents but for the rows, as bytes.
void write_key(std::span<const Shape> inputs, std::string& key) {
    key.clear();
    for (const Shape& input : inputs) {
        key += static_cast<char>(input.rank());
        for (const std::int64_t extent : input.extents().subspan(1))
            key.append(reinterpret_cast<const char*>(&extent), sizeof extent);
    }
}

}  // namespace

bool has_shape_classes(const ModelSignature& signature) {
    return signature.batched &&
           std::any_of(signature.inputs.begin(), signature.inputs.end(),
                       [](const auto& input) { return input.shape.with_rows(1).is_open(); });
}

void ShapeClasses::add_device(std::uint32_t rows, std::uint64_t slot_bytes) {
    rows_ = std::max(rows_, rows);
    slot_bytes_ = std::min(slot_bytes_, slot_bytes);
}

Status ShapeClasses::check(const ModelSignature& signature, std::span<const Shape> inputs) {
    shapes_.clear();
    for (const Shape& input : inputs) shapes_.push_back(input.with_rows(rows_));
    const Status status = lay_out(signature, rows_, shapes_, {0, slot_bytes_}, layout_);
    if (status.ok()) return status;
    return invalid_argument("a batch of " + std::to_string(rows_) +
                            " rows like these has no place: " + status.message() +
                            " (send smaller ones; or have the operator raise the device's "
                            "arena_bytes or lower the model's max_batch_rows)");
}

Result<ShapeClass> ShapeClasses::take(std::span<const Shape> inputs) {
    write_key(inputs, key_);
    const auto known = by_shape_.find(key_);
    if (known != by_shape_.end()) {
        ++classes_[known->second - kFirst].calls;
        return known->second;
    }
    if (by_shape_.size() >= kMost)
        return resource_exhausted("requests of " + std::to_string(kMost) +
                                  " different shapes are open already, which is all that one "
                                  "model may have (send it again later; or have the operator give "
                                  "the model padding buckets)");
    if (free_.empty()) {
        free_.push_back(kFirst + static_cast<ShapeClass>(classes_.size()));
        classes_.emplace_back();
    }
    const ShapeClass number = free_.back();
    free_.pop_back();
    classes_[number - kFirst] = {key_, 1};
    by_shape_.emplace(key_, number);
    return number;
}

void ShapeClasses::release(ShapeClass held) {
    if (held < kFirst) return;
    Class& one = classes_.at(held - kFirst);
    BUNCH_CHECK(one.calls > 0);
    if (--one.calls > 0) return;
    by_shape_.erase(one.shape);
    free_.push_back(held);
}

}  // namespace bunch
