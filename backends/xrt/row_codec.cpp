#include "backends/xrt/row_codec.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace bunch::fpga {
namespace {

/// For each element of a row on the card, where it is in the client's row.
std::vector<std::uint32_t> element_order(const DeviceTensor& tensor) {
    const Shape& shape = tensor.spec.shape;
    const std::size_t rank = tensor.axes.size();
    std::vector<std::size_t> strides(rank + 1, 1);  // of the client's axes 1 to rank
    for (std::size_t axis = rank; axis-- > 1;)
        strides[axis] = strides[axis + 1] * static_cast<std::size_t>(shape[axis + 1]);
    std::vector<std::uint32_t> order(tensor.elements_per_row());
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::size_t rest = i, source = 0;
        for (std::size_t k = rank; k-- > 0;) {
            const auto extent = static_cast<std::size_t>(shape[tensor.axes[k]]);
            source += rest % extent * strides[tensor.axes[k]];
            rest /= extent;
        }
        order[i] = static_cast<std::uint32_t>(source);
    }
    return order;
}

template <std::size_t size>
void gather(const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order) {
    for (std::size_t i = 0; i < order.size(); ++i)
        std::memcpy(to + i * size, from + order[i] * size, size);
}

template <std::size_t size>
void scatter(const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order) {
    for (std::size_t i = 0; i < order.size(); ++i)
        std::memcpy(to + order[i] * size, from + i * size, size);
}

}  // namespace

Result<RowCodec> RowCodec::make(const DeviceTensor& tensor) {
    RowCodec codec;
    const std::size_t elements = tensor.elements_per_row();
    codec.client_row_ = elements * size_of(tensor.spec.type);
    codec.element_ = tensor.element_bytes();
    codec.layout_ = {1, elements, tensor.row_stride()};
    if (tensor.format) {
        BUNCH_ASSIGN_OR_RETURN(codec.converter_,
                               fixed_point::Converter::make(tensor.spec.type, *tensor.format));
    }
    if (!std::is_sorted(tensor.axes.begin(), tensor.axes.end())) {
        codec.order_ = element_order(tensor);
        codec.scratch_.resize(elements * codec.element_);
    }
    codec.identity_ =
        !codec.converter_ && codec.order_.empty() && codec.layout_.stride == codec.client_row_;
    return codec;
}

void RowCodec::permute(const std::byte* from, std::byte* to, bool to_device) const {
    switch (element_) {
        case 1:
            return to_device ? gather<1>(from, to, order_) : scatter<1>(from, to, order_);
        case 2:
            return to_device ? gather<2>(from, to, order_) : scatter<2>(from, to, order_);
        case 4:
            return to_device ? gather<4>(from, to, order_) : scatter<4>(from, to, order_);
        default:
            return to_device ? gather<8>(from, to, order_) : scatter<8>(from, to, order_);
    }
}

void RowCodec::to_device(const std::byte* client, std::byte* device, std::size_t rows) {
    if (identity_) {
        std::memcpy(device, client, client_bytes(rows));
        return;
    }
    if (converter_ && order_.empty()) {
        converter_->to_device(client, device, {rows, layout_.elements, layout_.stride});
        return;
    }
    const std::size_t words = layout_.elements * element_;
    for (std::size_t row = 0; row < rows; ++row) {
        const std::byte* const from = client + row * client_row_;
        std::byte* const to = device + row * layout_.stride;
        if (converter_) converter_->to_device(from, scratch_.data(), layout_.elements);
        if (order_.empty())
            std::memcpy(to, from, words);
        else
            permute(converter_ ? scratch_.data() : from, to, true);
        std::memset(to + words, 0, layout_.stride - words);
    }
}

void RowCodec::to_client(const std::byte* device, std::byte* client, std::size_t rows) {
    if (identity_) {
        std::memcpy(client, device, client_bytes(rows));
        return;
    }
    if (converter_ && order_.empty()) {
        converter_->to_client(device, client, {rows, layout_.elements, layout_.stride});
        return;
    }
    for (std::size_t row = 0; row < rows; ++row) {
        const std::byte* const from = device + row * layout_.stride;
        std::byte* const to = client + row * client_row_;
        if (order_.empty()) {
            std::memcpy(to, from, client_row_);
            continue;
        }
        permute(from, converter_ ? scratch_.data() : to, false);
        if (converter_) converter_->to_client(scratch_.data(), to, layout_.elements);
    }
}

}  // namespace bunch::fpga
