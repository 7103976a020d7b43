#include "backends/xrt/row_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "backends/xrt/fixed_point/arithmetic.h"

namespace bunch::test {
namespace {

using fpga::DeviceTensor;
using fpga::RowCodec;
using Bytes = std::vector<std::byte>;

RowCodec codec_of(const DeviceTensor& tensor) {
    auto codec = RowCodec::make(tensor);
    EXPECT_TRUE(codec.ok()) << codec.status().to_string();
    return std::move(*codec);
}

DeviceTensor tensor(DataType type, const Shape& shape, std::optional<FixedFormat> format,
                    std::uint32_t align, std::vector<std::uint32_t> axes) {
    return {{"x", type, shape}, format, align, std::move(axes)};
}

/// One element after the other, where the codec takes rows.
Bytes reference(const DeviceTensor& tensor, const Bytes& client, std::size_t rows) {
    Bytes device(rows * tensor.row_stride(), std::byte{0});
    const Shape& shape = tensor.spec.shape;
    const std::size_t size = size_of(tensor.spec.type);
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < tensor.elements_per_row(); ++i) {
            // The index of the element on the card, axis by axis, then where the client has it.
            std::vector<std::size_t> index(shape.rank());
            std::size_t rest = i;
            for (std::size_t k = tensor.axes.size(); k-- > 0;) {
                const auto extent = static_cast<std::size_t>(shape[tensor.axes[k]]);
                index[tensor.axes[k]] = rest % extent;
                rest /= extent;
            }
            std::size_t source = tensor.axes.empty() ? i : 0;
            for (std::size_t axis = 1; !tensor.axes.empty() && axis < shape.rank(); ++axis)
                source = source * static_cast<std::size_t>(shape[axis]) + index[axis];
            const std::byte* from =
                client.data() + (row * tensor.elements_per_row() + source) * size;
            std::byte* to = device.data() + row * tensor.row_stride() + i * tensor.element_bytes();
            if (!tensor.format) {
                std::memcpy(to, from, size);
                continue;
            }
            float number = 0;
            std::memcpy(&number, from, sizeof number);
            fixed_point::store_raw(fixed_point::quantize(number, *tensor.format), to,
                                   *tensor.format);
        }
    }
    return device;
}

Bytes random_numbers(std::size_t count, std::mt19937& random) {
    std::uniform_real_distribution<float> real(-20, 20);
    Bytes bytes(count * sizeof(float));
    for (std::size_t i = 0; i < count; ++i) {
        const float number = real(random);
        std::memcpy(bytes.data() + i * sizeof number, &number, sizeof number);
    }
    return bytes;
}

TEST(RowCodec, PlacesEveryElementWhereTheManifestSays) {
    const std::uint32_t seed = 77;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const FixedFormat fixed{16, 6};
    const FixedFormat small{7, 3, true, Rounding::nearest_even, Overflow::saturate};
    const DeviceTensor tensors[] = {
        tensor(DataType::f32, {kAnyExtent, 18}, {}, 1, {}),
        tensor(DataType::f32, {kAnyExtent, 5}, {}, 64, {}),
        tensor(DataType::f32, {kAnyExtent, 18}, fixed, 1, {}),
        tensor(DataType::f32, {kAnyExtent, 18}, fixed, 64, {}),
        tensor(DataType::f32, {kAnyExtent, 3, 4, 5}, {}, 1, {2, 3, 1}),
        tensor(DataType::f32, {kAnyExtent, 3, 4, 5}, fixed, 32, {3, 1, 2}),
        tensor(DataType::f32, {kAnyExtent, 2, 7}, small, 4, {2, 1}),
        tensor(DataType::f32, {kAnyExtent}, fixed, 8, {}),
    };

    for (const DeviceTensor& each : tensors) {
        for (const std::size_t rows : {1u, 2u, 9u}) {
            RowCodec codec = codec_of(each);
            const Bytes client = random_numbers(rows * each.elements_per_row(), random);
            ASSERT_EQ(codec.client_bytes(rows), client.size());
            Bytes device(codec.device_bytes(rows), std::byte{0xee});
            codec.to_device(client.data(), device.data(), rows);
            EXPECT_EQ(device, reference(each, client, rows));

            // Back and forth changes nothing more.
            Bytes back(client.size());
            codec.to_client(device.data(), back.data(), rows);
            Bytes again(device.size(), std::byte{0xee});
            codec.to_device(back.data(), again.data(), rows);
            EXPECT_EQ(again, device);
            if (!each.format) {
                EXPECT_EQ(back, client);
            }
        }
    }
}

TEST(RowCodec, KnowsWhenThereIsNothingToDo) {
    EXPECT_TRUE(codec_of(tensor(DataType::f32, {kAnyExtent, 16}, {}, 64, {})).is_identity());
    EXPECT_TRUE(codec_of(tensor(DataType::i16, {kAnyExtent, 2, 8}, {}, 1, {1, 2})).is_identity());
    EXPECT_FALSE(codec_of(tensor(DataType::f32, {kAnyExtent, 15}, {}, 64, {})).is_identity());
    EXPECT_FALSE(codec_of(tensor(DataType::i16, {kAnyExtent, 2, 8}, {}, 1, {2, 1})).is_identity());
    EXPECT_FALSE(
        codec_of(tensor(DataType::f32, {kAnyExtent, 16}, FixedFormat{32, 8}, 1, {})).is_identity());
}

}  // namespace
}  // namespace bunch::test
