// The RTL of dense stacks at its pins, against the integer reference.
#include "backends/xrt/emulation/rtl/dense_rtl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "tests/backends/xrt/fixed_point/random_stack.h"
#include "tests/backends/xrt/fixed_point/row_count.h"
#include "tests/backends/xrt/rtl/drawn_net.h"

namespace bunch::emulation {

std::span<const RtlNet> random_rtl_nets();

namespace {

using fixed_point::DenseLayer;
using fixed_point::DenseStack;
using fixed_point::StackActivation;
using ::testing::HasSubstr;

constexpr std::uint64_t kSeed = BUNCH_RTL_SEED;
constexpr std::uint64_t kIn = 0x4000'0000'1000;  // the run of beats from here crosses pages
constexpr std::uint64_t kOut = 0x4000'0100'0fc0;
constexpr std::uint32_t kErrors = 0x30;

/// Two buffers, each exactly as long as its rows.
class TwoBuffers final : public Bus {
  public:
    bool read(std::uint64_t address, void* to, std::size_t bytes) override {
        if (address < kIn || address - kIn + bytes > in.size()) return false;
        std::memcpy(to, in.data() + (address - kIn), bytes);
        return true;
    }
    bool write(std::uint64_t address, const void* from, std::size_t bytes) override {
        if (address < kOut || address - kOut + bytes > out.size()) return false;
        std::memcpy(out.data() + (address - kOut), from, bytes);
        return true;
    }
    std::vector<std::byte> in;
    std::vector<std::byte> out;
};

DenseStack facile(std::mt19937_64& random) {
    const fixed_point::StackShape shape{{18, 31, 11, 3, 1},
                                        {StackActivation::relu, StackActivation::relu,
                                         StackActivation::relu, StackActivation::none}};
    return fixed_point::random_stack(shape, fixed_point::facile_formats(shape), random);
}

DenseStack muon(std::mt19937_64& random) {
    const auto relu = StackActivation::relu;
    const fixed_point::StackShape shape{{5, 8, 8, 8, 8, 3},
                                        {relu, relu, relu, relu, StackActivation::none}};
    const FixedFormat format{18, 6, true, Rounding::truncate, Overflow::wrap};
    const std::vector<FixedFormat> all(5, format);
    return fixed_point::random_stack(shape, {format, all, all, all}, random);
}

std::unique_ptr<RtlKernel> made(std::span<const RtlNet> nets, const DenseStack& stack,
                                const Stalls& stalls = {}) {
    auto kernel = make_rtl_kernel(nets, stack, stalls);
    EXPECT_TRUE(kernel.ok()) << kernel.status().message();
    return std::move(*kernel);
}

void fill(TwoBuffers& memory, const DenseStack& stack, std::uint32_t rows,
          std::mt19937_64& random) {
    memory.in.resize(rows * stack.input_stride(kDenseRowAlign));
    memory.out.assign(rows * stack.output_stride(kDenseRowAlign), std::byte{0xee});
    for (std::byte& byte : memory.in) byte = static_cast<std::byte>(random());
}

std::vector<std::byte> reference(const TwoBuffers& memory, const DenseStack& stack,
                                 std::uint32_t rows) {
    std::vector<std::byte> output(rows * stack.output_stride(kDenseRowAlign));
    stack.run_stored(memory.in, output, rows, kDenseRowAlign);
    return output;
}

void start(KernelModel& kernel, std::uint32_t rows, std::uint64_t in = kIn,
           std::uint64_t out = kOut) {
    kernel.axil_write(kDenseRows, rows);
    kernel.axil_write(kDenseIn, static_cast<std::uint32_t>(in));
    kernel.axil_write(kDenseIn + 4, static_cast<std::uint32_t>(in >> 32));
    kernel.axil_write(kDenseOut, static_cast<std::uint32_t>(out));
    kernel.axil_write(kDenseOut + 4, static_cast<std::uint32_t>(out >> 32));
    kernel.axil_write(kControlRegister, kStartBit);
}

/// False: the bus refused something.
bool finish(KernelModel& kernel, Bus& bus) {
    for (int steps = 0; steps < 10000; ++steps) {
        if (!kernel.step(bus)) return false;
        if ((kernel.axil_read(kControlRegister) & kDoneBit) != 0) return true;
    }
    ADD_FAILURE() << "the kernel does not end";
    return false;
}

void expect_same(KernelModel& kernel, const DenseStack& stack, std::uint32_t rows,
                 std::mt19937_64& random) {
    TwoBuffers memory;
    fill(memory, stack, rows, random);
    start(kernel, rows);
    ASSERT_TRUE(finish(kernel, memory));
    ASSERT_EQ(memory.out, reference(memory, stack, rows)) << rows << " rows, seed " << kSeed;
}

struct Net {
    const char* name;
    std::span<const RtlNet> (*nets)();
    DenseStack stack;
};

std::vector<Net> all_nets() {
    std::vector<Net> nets;
    std::mt19937_64 random(kSeed);
    nets.push_back({"facile", rtl_nets, facile(random)});
    nets.push_back({"muon", rtl_nets, muon(random)});
    for (const char* name : {"random1", "random2", "random3", "random4", "random5"})
        nets.push_back({name, random_rtl_nets, test::drawn_net(kSeed, name)});
    return nets;
}

TEST(DenseRtl, IsBitForBitTheReferenceForAnyNumberOfRows) {
    std::mt19937_64 random(kSeed);
    for (const Net& net : all_nets()) {
        SCOPED_TRACE(net.name);
        const auto kernel = made(net.nets(), net.stack);
        for (const std::uint32_t rows : {1U, 2U, 7U, 8U, 9U, 63U, 200U, 0U, 1000U})
            expect_same(*kernel, net.stack, rows, random);
    }
}

TEST(DenseRtl, IsBitForBitTheReferenceOverManyRows) {
    constexpr std::uint32_t kAtOnce = 50'000;
    std::mt19937_64 random(kSeed + 4);
    for (const Net& net : all_nets()) {
        SCOPED_TRACE(net.name);
        const auto kernel = made(net.nets(), net.stack);
        for (unsigned long done = 0; done < fixed_point::rows_to_compare() && !HasFailure();
             done += kAtOnce)
            expect_same(*kernel, net.stack, kAtOnce, random);
    }
}

TEST(DenseRtl, IsBitForBitTheReferenceWithOtherWeightsInTheSameHardware) {
    std::mt19937_64 random(kSeed + 1);
    for (const Net& net : all_nets()) {
        SCOPED_TRACE(net.name);
        for (int trial = 0; trial < 5; ++trial) {
            const DenseStack stack = test::with_random_weights(net.stack, random);
            expect_same(*made(net.nets(), stack), stack, 100, random);
        }
    }
}

TEST(DenseRtl, LosesNothingWhenTheMemoryStallsAtRandom) {
    std::mt19937_64 random(kSeed + 2);
    for (const Net& net : all_nets()) {
        SCOPED_TRACE(net.name);
        for (const std::uint32_t percent : {10U, 50U, 90U}) {
            const auto kernel = made(net.nets(), net.stack, {random(), percent});
            for (const std::uint32_t rows : {1U, 30U, 500U})
                expect_same(*kernel, net.stack, rows, random);
        }
    }
}

TEST(DenseRtl, ShowsAFlippedBitOfAWeight) {
    std::mt19937_64 random(kSeed + 3);
    constexpr std::uint32_t kRows = 200;
    constexpr int kFlips = 40;
    const DenseStack stack = facile(random);
    TwoBuffers memory;
    fill(memory, stack, kRows, random);
    const std::vector<std::byte> right = reference(memory, stack, kRows);
    int noticed = 0;
    for (int flip = 0; flip < kFlips; ++flip) {
        std::vector<DenseLayer> layers = stack.layers();
        DenseLayer& layer = layers[random() % layers.size()];
        layer.weights[random() % layer.weights.size()] ^= 1 << random() % 14;
        const auto flipped = DenseStack::make(stack.input_format(), layers);
        ASSERT_TRUE(flipped.ok());

        const auto kernel = made(rtl_nets(), *flipped);
        start(*kernel, kRows);
        ASSERT_TRUE(finish(*kernel, memory));

        EXPECT_EQ(memory.out, reference(memory, *flipped, kRows));
        if (memory.out != right) ++noticed;
    }
    // A weight of an output that is never above zero may be anything.
    EXPECT_GE(noticed, kFlips * 3 / 4) << "seed " << kSeed;
}

TEST(DenseRtl, TakesARowEveryClock) {
    std::mt19937_64 random(kSeed);
    const DenseStack stack = facile(random);
    const auto kernel = made(rtl_nets(), stack);
    TwoBuffers memory;
    constexpr std::uint32_t kRows = 5000;
    fill(memory, stack, kRows, random);
    start(*kernel, kRows);
    const std::uint64_t before = kernel->clocks();
    ASSERT_TRUE(finish(*kernel, memory));

    EXPECT_LT(kernel->clocks() - before, kRows + 100);
    EXPECT_EQ(memory.out, reference(memory, stack, kRows));
}

TEST(DenseRtl, TellsItsStateInTheRegistersOfApCtrlHs) {
    std::mt19937_64 random(kSeed);
    const DenseStack stack = facile(random);
    const auto kernel = made(rtl_nets(), stack);
    TwoBuffers memory;
    fill(memory, stack, 3, random);
    constexpr std::uint32_t kInterruptOn = 0x04;
    constexpr std::uint32_t kInterruptEnable = 0x08;
    constexpr std::uint32_t kInterruptStatus = 0x0c;

    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit);
    kernel->axil_write(kInterruptOn, 1);
    kernel->axil_write(kInterruptEnable, 1);
    start(*kernel, 3);
    EXPECT_EQ(kernel->axil_read(kControlRegister) & (kIdleBit | kDoneBit), 0U);
    EXPECT_EQ(kernel->axil_read(kDenseRows), 3U);
    EXPECT_EQ(kernel->axil_read(kDenseIn), static_cast<std::uint32_t>(kIn));
    EXPECT_EQ(kernel->axil_read(kDenseOut + 4), static_cast<std::uint32_t>(kOut >> 32));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(kernel->step(memory));
    EXPECT_EQ(kernel->axil_read(kInterruptStatus), 1U);
    kernel->axil_write(kInterruptStatus, 1);
    EXPECT_EQ(kernel->axil_read(kInterruptStatus), 0U);
    EXPECT_EQ(kernel->axil_read(kControlRegister) & (kIdleBit | kDoneBit), kIdleBit | kDoneBit);
    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit);
    EXPECT_EQ(kernel->axil_read(kErrors), 0U);
    EXPECT_EQ(kernel->axil_read(0xffc), 0U);
}

TEST(DenseRtl, ReportsMemoryThatIsNotThereAndRunsAgainAfterAReset) {
    std::mt19937_64 random(kSeed);
    const DenseStack stack = facile(random);
    const auto kernel = made(rtl_nets(), stack);
    TwoBuffers memory;
    fill(memory, stack, 100, random);

    start(*kernel, 100, kIn + 64 * 1024);
    EXPECT_FALSE(finish(*kernel, memory));
    EXPECT_FALSE(kernel->step(memory)) << "a fault stays until the reset";
    EXPECT_EQ(kernel->axil_read(kErrors), 1U);
    kernel->reset();
    expect_same(*kernel, stack, 100, random);
    start(*kernel, 100, kIn, kOut + 64 * 1024);
    EXPECT_FALSE(finish(*kernel, memory));
    kernel->reset();
    expect_same(*kernel, stack, 100, random);
}

TEST(DenseRtl, ForgetsARunThatAResetInterrupts) {
    std::mt19937_64 random(kSeed);
    const DenseStack stack = facile(random);
    const auto kernel = made(rtl_nets(), stack, {kSeed, 30});
    TwoBuffers memory;
    fill(memory, stack, 3000, random);
    start(*kernel, 3000);
    ASSERT_TRUE(kernel->step(memory));

    kernel->reset();

    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit);
    EXPECT_EQ(kernel->axil_read(kDenseRows), 0U);
    expect_same(*kernel, stack, 50, random);
}

TEST(DenseRtl, IsMadeFromAWeightFileWhereItsLayersWereBuilt) {
    std::mt19937_64 random(kSeed);
    const DenseStack stack = facile(random);
    const auto kernel = make_dense_rtl(fixed_point::write_dense_stack(stack));
    ASSERT_TRUE(kernel.ok()) << kernel.status().message();
    expect_same(**kernel, stack, 10, random);

    const auto other =
        make_dense_rtl(fixed_point::write_dense_stack(test::drawn_net(kSeed, "random2")));
    EXPECT_EQ(other.status().code(), StatusCode::invalid_argument);
    EXPECT_THAT(other.status().message(), HasSubstr("it has facile, muon"));
    EXPECT_FALSE(make_dense_rtl({}).ok());
}

}  // namespace
}  // namespace bunch::emulation
