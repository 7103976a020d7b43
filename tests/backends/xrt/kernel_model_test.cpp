/// Kernel models at their pins, without XRT.
#include "backends/xrt/emulation/kernel_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "backends/xrt/fixed_point/dense_stack.h"

namespace bunch::test {
namespace {

using emulation::Bus;
using emulation::KernelModel;
using testing::HasSubstr;

/// Memory from address 0x1000 on.
class SmallBus final : public Bus {
  public:
    bool read(std::uint64_t address, void* to, std::size_t bytes) override {
        if (!covers(address, bytes)) return false;
        std::memcpy(to, memory.data() + (address - kBase), bytes);
        return true;
    }
    bool write(std::uint64_t address, const void* from, std::size_t bytes) override {
        if (!covers(address, bytes)) return false;
        std::memcpy(memory.data() + (address - kBase), from, bytes);
        return true;
    }
    static constexpr std::uint64_t kBase = 0x1000;
    std::vector<std::byte> memory = std::vector<std::byte>(1 << 16);

  private:
    bool covers(std::uint64_t address, std::size_t bytes) const {
        return address >= kBase && address - kBase + bytes <= memory.size();
    }
};

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::unique_ptr<KernelModel> model(const std::string& name, std::span<const std::byte> parameters) {
    auto made = emulation::kernel_model_named(name)(parameters);
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    return std::move(*made);
}

void write_address(KernelModel& kernel, std::uint32_t offset, std::uint64_t address) {
    kernel.axil_write(offset, static_cast<std::uint32_t>(address));
    kernel.axil_write(offset + 4, static_cast<std::uint32_t>(address >> 32));
}

/// Starts a run and steps until it is done; false for a bus fault.
bool run(KernelModel& kernel, Bus& bus, std::uint32_t rows, std::uint64_t in, std::uint64_t out) {
    kernel.axil_write(emulation::kDenseRows, rows);
    write_address(kernel, emulation::kDenseIn, in);
    write_address(kernel, emulation::kDenseOut, out);
    kernel.axil_write(emulation::kControlRegister, emulation::kStartBit);
    for (int i = 0; i < 1000000; ++i) {
        if (!kernel.step(bus)) return false;
        if ((kernel.axil_read(emulation::kControlRegister) & emulation::kDoneBit) != 0) return true;
    }
    ADD_FAILURE() << "the kernel does not end";
    return false;
}

TEST(CopyKernel, CopiesRowsAndFillsThemWithZeros) {
    const auto kernel = model("copy", bytes_of("3 4"));
    SmallBus bus;
    for (std::size_t i = 0; i < 6; ++i) bus.memory[i] = static_cast<std::byte>(i + 1);

    ASSERT_TRUE(run(*kernel, bus, 2, SmallBus::kBase, SmallBus::kBase + 16));

    EXPECT_THAT(std::span(bus.memory).subspan(16, 8),
                testing::ElementsAre(std::byte{1}, std::byte{2}, std::byte{3}, std::byte{0},
                                     std::byte{4}, std::byte{5}, std::byte{6}, std::byte{0}));
}

TEST(CopyKernel, NeedsTwoSizes) {
    const auto make = emulation::kernel_model_named("copy");

    EXPECT_THAT(make(bytes_of("3")).status().message(), HasSubstr("two sizes"));
    EXPECT_THAT(make(bytes_of("0 4")).status().message(), HasSubstr("two sizes"));
}

TEST(KernelModel, TellsItsStateInTheControlRegister) {
    const auto kernel = model("copy", bytes_of("8 8"));
    SmallBus bus;
    using namespace emulation;

    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit);
    kernel->axil_write(kDenseRows, 1);
    write_address(*kernel, kDenseIn, SmallBus::kBase);
    write_address(*kernel, kDenseOut, SmallBus::kBase);
    kernel->axil_write(kControlRegister, kStartBit);
    EXPECT_EQ(kernel->axil_read(kControlRegister), kStartBit);
    EXPECT_TRUE(kernel->step(bus));
    EXPECT_EQ(kernel->axil_read(kControlRegister), kDoneBit | kReadyBit | kIdleBit);
    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit);
    EXPECT_EQ(kernel->axil_read(kDenseIn), SmallBus::kBase);
    EXPECT_EQ(kernel->axil_read(0xffc), 0u);
}

TEST(KernelModel, FaultsWhereThereIsNoMemoryAndRunsAgainAfterAReset) {
    const auto kernel = model("copy", bytes_of("8 8"));
    SmallBus bus;

    EXPECT_FALSE(run(*kernel, bus, 1, 0x10, SmallBus::kBase));
    kernel->reset();
    EXPECT_TRUE(run(*kernel, bus, 1, SmallBus::kBase, SmallBus::kBase + 8));
}

fixed_point::DenseStack small_stack(std::mt19937& random) {
    const FixedFormat format{16, 6, true, Rounding::truncate, Overflow::saturate};
    std::vector<fixed_point::DenseLayer> layers;
    for (const auto& [inputs, outputs] : {std::pair{5u, 7u}, {7u, 2u}}) {
        fixed_point::DenseLayer layer;
        layer.inputs = inputs;
        layer.outputs = outputs;
        layer.activation =
            inputs == 5 ? fixed_point::StackActivation::relu : fixed_point::StackActivation::none;
        layer.weight_format = layer.bias_format = layer.output_format = format;
        for (std::uint32_t i = 0; i < inputs * outputs; ++i)
            layer.weights.push_back(static_cast<std::int64_t>(random() % 2048) - 1024);
        for (std::uint32_t i = 0; i < outputs; ++i)
            layer.biases.push_back(static_cast<std::int64_t>(random() % 2048) - 1024);
        layers.push_back(std::move(layer));
    }
    return *fixed_point::DenseStack::make(format, std::move(layers));
}

TEST(DenseKernel, ComputesWhatTheReferenceDoesForAnyNumberOfRows) {
    std::mt19937 random(11);
    const auto stack = small_stack(random);
    const auto kernel = model("dense_stack", fixed_point::write_dense_stack(stack));
    const std::size_t in_stride = stack.input_stride(emulation::kDenseRowAlign);
    const std::size_t out_stride = stack.output_stride(emulation::kDenseRowAlign);

    for (const std::uint32_t rows : {1u, 2u, 63u, 64u, 65u, 200u}) {
        SmallBus bus;
        const std::span in(bus.memory.data(), rows * in_stride);
        for (std::byte& byte : in) byte = static_cast<std::byte>(random());
        std::vector<std::byte> wanted(rows * out_stride);
        stack.run_stored(in, wanted, rows, emulation::kDenseRowAlign);

        ASSERT_TRUE(run(*kernel, bus, rows, SmallBus::kBase, SmallBus::kBase + 0x8000));

        EXPECT_EQ(std::memcmp(bus.memory.data() + 0x8000, wanted.data(), wanted.size()), 0) << rows;
    }
}

TEST(DenseKernel, RefusesWhatIsNoWeightFile) {
    EXPECT_FALSE(emulation::kernel_model_named("dense_stack")(bytes_of("nonsense")).ok());
    EXPECT_EQ(emulation::kernel_model_named("nonsense"), nullptr);
}

TEST(EmulatedBitstream, IsReadAsItWasWritten) {
    const std::vector<emulation::KernelImage> images = {{"a", "copy", bytes_of("8 8\n\nkernel")},
                                                        {"b", "dense_stack", {}}};

    const auto read = emulation::read_bitstream(emulation::write_bitstream(images));

    ASSERT_TRUE(read.ok()) << read.status().to_string();
    EXPECT_EQ(*read, images);
}

TEST(EmulatedBitstream, IsRefusedWhenItIsARealOneOrDamaged) {
    const auto message = [](const std::string& text) {
        return emulation::read_bitstream(bytes_of(text)).status().message();
    };

    EXPECT_THAT(message("\xff\xff\xaa\x99"), HasSubstr("does not begin with"));
    EXPECT_THAT(message("bunch-emulation 1\nkernel a copy x\n\n"), HasSubstr("list of kernels"));
    EXPECT_THAT(message("bunch-emulation 1\nkernel a copy 9\n\nabc"), HasSubstr("ends within"));
    EXPECT_THAT(message("bunch-emulation 1\nkernel a copy 1\n\nabc"), HasSubstr("bytes after"));
}

}  // namespace
}  // namespace bunch::test
