#include "backends/kernels/kernel.h"

#include <algorithm>

#include "backends/kernels/dims.h"

namespace bunch::kernels {

Result<TensorView> Run::output(std::int64_t i, DataType type, const Shape& shape) {
    const auto bytes = byte_size(type, shape);
    const auto too_long = [](std::int64_t extent) { return extent > kMaxExtent; };
    const auto extents = shape.extents();
    if (!bytes || std::any_of(extents.begin(), extents.end(), too_long))
        return wrong("would compute a tensor of shape " + shape.to_string() +
                     ", which is too large");
    Result<std::shared_ptr<std::byte>> block = memory_.take(*bytes);
    if (!block.ok())
        return block.status().with_context(spec_.label + " computes a tensor of shape " +
                                           shape.to_string());
    const TensorView view{type, shape, {block->get(), static_cast<std::size_t>(*bytes)}};
    set(i, {view, *block});
    if (i >= outputs()) scratch_.push_back(*block);
    return view;
}

void Run::forward(std::int64_t i, std::int64_t from, const Shape& shape) {
    Held held = *inputs_[static_cast<std::size_t>(from)];
    held.view.shape = shape;
    set(i, std::move(held));
}

Result<std::byte*> Run::scratch(std::uint64_t bytes) {
    Result<std::shared_ptr<std::byte>> block = memory_.take(bytes);
    if (!block.ok()) return block.status().with_context(spec_.label);
    scratch_.push_back(*block);
    return block->get();
}

Status Run::misfit(std::string_view why) const {
    std::string given;
    for (std::int64_t i = 0; i < inputs(); ++i) {
        if (!has(i)) continue;
        if (!given.empty()) given += ", ";
        given += std::string(name_of(input(i).type)) + input(i).shape.to_string();
    }
    return wrong("has inputs " + given + ", " + std::string(why));
}

}  // namespace bunch::kernels
