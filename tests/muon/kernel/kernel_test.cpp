// The kernel of a network of integers at its pins, in C++ and as RTL under Verilator, against the
// integers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>
#include <vector>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/emulation/rtl/loaded_kernel.h"
#include "backends/xrt/fpga_model.h"
#include "muon/kernel_folder.h"
#include "muon/quantised/kernel_rows.h"
#include "muon/quantised/onnx_file.h"
#include "muon/rtl/verify.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"
#include "tests/muon/environment.h"
#include "tests/muon/kernel/test_kernels.h"

namespace bunch::emulation {
namespace {

using muon::EnvironmentChange;
using muon::Task;
using testing::HasSubstr;

constexpr std::uint64_t kSeed = 5;
constexpr std::uint64_t kIn = 0x4000'0000'1fc0;  // one beat before a page ends
constexpr std::uint64_t kOut = 0x4000'0100'0f80;
constexpr std::uint32_t kErrors = 0x30;
constexpr std::uint32_t kReadError = 1, kWriteError = 2;

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

struct Kind {
    Task task;
    bool rtl;
};

class MuonKernel : public testing::TestWithParam<Kind> {
  protected:
    void SetUp() override {
        if (GetParam().rtl && !muon::has_program("verilator"))
            GTEST_SKIP() << "verilator is missing";
        const auto model =
            fpga::read_model(BUNCH_TEST_KERNELS "/" +
                             muon::kernel_name(GetParam().task, GetParam().rtl) + "/muon.toml");
        ASSERT_TRUE(model.ok()) << model.status().message();
        ASSERT_EQ((*model)->kernel().name, "muon_kernel");
        for (const fpga::Section& section : (*model)->xclbin.sections) {
            if (section.kind != fpga::section_kind::kBitstream) continue;
            const auto images =
                read_bitstream(std::span(*(*model)->file)
                                   .subspan(static_cast<std::size_t>(section.offset),
                                            static_cast<std::size_t>(section.bytes)));
            ASSERT_TRUE(images.ok()) << images.status().message();
            image_ = images->front();
        }
        ASSERT_EQ(image_.kernel, "muon_kernel");
    }

    /// Stalls are of the RTL only.
    std::unique_ptr<KernelModel> made(const Stalls& stalls = {}) {
        if (GetParam().rtl) {
            auto kernel = load_rtl_kernel(image_.parameters, stalls);
            EXPECT_TRUE(kernel.ok()) << kernel.status().message();
            return std::move(*kernel);
        }
        auto kernel = kernel_model_named(image_.model)(image_.parameters);
        EXPECT_TRUE(kernel.ok()) << kernel.status().message();
        return std::move(*kernel);
    }

    /// Any INT16, also beyond the wires; half of the rows within them.
    void fill(TwoBuffers& memory, std::uint32_t rows) {
        const std::size_t stride = muon::kernel_input_stride(GetParam().task);
        memory.in.assign(rows * stride, std::byte{0});
        memory.out.assign(rows * muon::kernel_output_stride(GetParam().task), std::byte{0xee});
        for (std::size_t i = 0; i < memory.in.size(); i += 2) {
            auto number = static_cast<std::int16_t>(random_());
            if (i / stride % 2 == 0) number = static_cast<std::int16_t>(number % 512);
            std::memcpy(memory.in.data() + i, &number, sizeof(number));
        }
    }

    std::vector<std::byte> reference(const TwoBuffers& memory) const {
        std::vector<std::byte> out(memory.out.size());
        muon::run_rows(network_, memory.in, out);
        return out;
    }

    void expect_same(KernelModel& kernel, std::uint32_t rows) {
        TwoBuffers memory;
        fill(memory, rows);
        start(kernel, rows);
        ASSERT_TRUE(finish(kernel, memory));
        ASSERT_EQ(memory.out, reference(memory)) << rows << " rows, seed " << kSeed;
    }

    static void start(KernelModel& kernel, std::uint32_t rows, std::uint64_t in = kIn,
                      std::uint64_t out = kOut) {
        kernel.axil_write(kDenseRows, rows);
        kernel.axil_write(kDenseIn, static_cast<std::uint32_t>(in));
        kernel.axil_write(kDenseIn + 4, static_cast<std::uint32_t>(in >> 32));
        kernel.axil_write(kDenseOut, static_cast<std::uint32_t>(out));
        kernel.axil_write(kDenseOut + 4, static_cast<std::uint32_t>(out >> 32));
        kernel.axil_write(kControlRegister, kStartBit);
    }

    /// False: the bus refused something.
    static bool finish(KernelModel& kernel, Bus& bus) {
        for (int steps = 0; steps < 10000; ++steps) {
            if (!kernel.step(bus)) return false;
            if ((kernel.axil_read(kControlRegister) & kDoneBit) != 0) return true;
        }
        ADD_FAILURE() << "the kernel does not end";
        return false;
    }

    const muon::IntegerNetwork network_ = muon::kernel_network(GetParam().task);
    KernelImage image_;
    std::mt19937_64 random_{kSeed};
};

class MuonKernelRtl : public MuonKernel {};

TEST_P(MuonKernel, IsBitForBitTheIntegersForAnyNumberOfRows) {
    const auto kernel = made();
    for (const std::uint32_t rows :
         {1U, 2U, 3U, 7U, 8U, 9U, 63U, 64U, 255U, 0U, 257U, 1000U, 20000U})
        expect_same(*kernel, rows);
}

TEST_P(MuonKernel, LosesNothingWhenBothSidesOfTheMemoryStallAtRandom) {
    for (const std::uint32_t percent : {10U, 50U, 90U}) {
        const auto kernel = made({random_(), percent});
        for (const std::uint32_t rows : {1U, 30U, 1000U}) expect_same(*kernel, rows);
    }
}

TEST_P(MuonKernel, IsNotTheNetworkWithOneWeightChanged) {
    constexpr std::uint32_t kRows = 2000;
    TwoBuffers memory;
    fill(memory, kRows);
    const auto kernel = made();
    start(*kernel, kRows);
    ASSERT_TRUE(finish(*kernel, memory));

    std::vector<std::byte> changed(memory.out.size());
    const auto other =
        muon::with_one_weight_changed(network_, muon::wire_fields(network_.task, kRows, 1));
    ASSERT_TRUE(other.ok()) << other.status().to_string();
    muon::run_rows(*other, memory.in, changed);

    EXPECT_NE(memory.out, changed);
}

TEST_P(MuonKernelRtl, TakesARowEveryClock) {
    constexpr std::uint32_t kRows = 5000;
    auto kernel = load_rtl_kernel(image_.parameters, {});
    ASSERT_TRUE(kernel.ok());
    TwoBuffers memory;
    fill(memory, kRows);
    start(**kernel, kRows);
    const std::uint64_t before = (*kernel)->clocks();
    ASSERT_TRUE(finish(**kernel, memory));

    EXPECT_LT((*kernel)->clocks() - before, kRows + 100);
    EXPECT_EQ(memory.out, reference(memory));
}

TEST_P(MuonKernel, TellsItsStateInTheRegistersOfApCtrlHs) {
    const auto kernel = made();
    TwoBuffers memory;
    fill(memory, 3);

    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit);
    start(*kernel, 3);
    EXPECT_EQ(kernel->axil_read(kControlRegister) & (kIdleBit | kDoneBit), 0U);
    EXPECT_EQ(kernel->axil_read(kDenseRows), 3U);
    EXPECT_EQ(kernel->axil_read(kDenseIn), static_cast<std::uint32_t>(kIn));
    EXPECT_EQ(kernel->axil_read(kDenseOut + 4), static_cast<std::uint32_t>(kOut >> 32));
    ASSERT_TRUE(kernel->step(memory));
    EXPECT_EQ(kernel->axil_read(kControlRegister) & (kIdleBit | kDoneBit), kIdleBit | kDoneBit);
    EXPECT_EQ(kernel->axil_read(kControlRegister), kIdleBit) << "done is cleared by reading";
}

TEST_P(MuonKernelRtl, RaisesItsInterruptUntilThatIsCleared) {
    constexpr std::uint32_t kInterruptOn = 0x04, kInterruptEnable = 0x08, kInterruptStatus = 0x0c;
    const auto kernel = made();
    TwoBuffers memory;
    fill(memory, 3);
    kernel->axil_write(kInterruptOn, 1);
    kernel->axil_write(kInterruptEnable, 1);
    start(*kernel, 3);
    ASSERT_TRUE(finish(*kernel, memory));

    EXPECT_EQ(kernel->axil_read(kInterruptStatus), 1U);
    kernel->axil_write(kInterruptStatus, 1);
    EXPECT_EQ(kernel->axil_read(kInterruptStatus), 0U);
}

TEST_P(MuonKernel, TouchesNoMemoryWithAnAddressThatNoBeatBeginsAt) {
    const auto kernel = made();
    TwoBuffers memory;
    fill(memory, 20);
    const std::vector<std::byte> before = memory.out;
    struct Try {
        std::uint64_t in, out;
        std::uint32_t errors;
    };
    for (const Try& each : {Try{kIn + 8, kOut, kReadError}, Try{kIn, kOut + 32, kWriteError},
                            Try{kIn + 1, kOut + 1, kReadError | kWriteError}}) {
        start(*kernel, 20, each.in, each.out);
        ASSERT_TRUE(finish(*kernel, memory));
        EXPECT_EQ(kernel->axil_read(kErrors), each.errors);
        EXPECT_EQ(memory.out, before);
    }

    expect_same(*kernel, 20);
    EXPECT_EQ(kernel->axil_read(kErrors), 0U);
}

TEST_P(MuonKernel, ComputesAgainAfterTheMemoryRefusedARun) {
    const auto kernel = made();
    TwoBuffers memory;
    fill(memory, 200);
    start(*kernel, 300);

    EXPECT_FALSE(finish(*kernel, memory));
    kernel->reset();
    expect_same(*kernel, 200);
}

const auto kTaskName = [](const auto& kind) { return std::string(name_of(kind.param.task)); };
const auto kRtl = testing::Values(Kind{Task::recalibration, true}, Kind{Task::pair, true});
INSTANTIATE_TEST_SUITE_P(Cpp, MuonKernel,
                         testing::Values(Kind{Task::recalibration, false}, Kind{Task::pair, false}),
                         kTaskName);
INSTANTIATE_TEST_SUITE_P(Rtl, MuonKernel, kRtl, kTaskName);
INSTANTIATE_TEST_SUITE_P(Rtl, MuonKernelRtl, kRtl, kTaskName);

TEST(CompiledKernel, MustBeALibraryOfThisVersion) {
    const std::string text = "no library";

    const auto kernel = load_rtl_kernel(std::as_bytes(std::span(text)), {});

    EXPECT_THAT(kernel.status().message(), HasSubstr("no compiled kernel"));
    EXPECT_THAT(kernel.status().message(), HasSubstr("bunch-muon kernel --rtl"));
}

TEST(MuonKernelModel, NeedsTheFileOfANetwork) {
    const std::string text = "no network";

    const auto kernel = kernel_model_named("muon_integers")(std::as_bytes(std::span(text)));

    EXPECT_THAT(kernel.status().message(), HasSubstr("the parameters of a muon kernel"));
}

class KernelFolder : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Result<std::string> write(const muon::KernelFolderOptions& options = {}) const {
        return muon::write_kernel_folder(folder_, muon::kernel_network(Task::pair), options);
    }
    std::string folder_ = testing::TempDir() + "muon_kernel_folder_" + std::to_string(::getpid());
};

TEST_F(KernelFolder, OfEqualNetworksIsEqual) {
    ASSERT_TRUE(write().ok());
    const auto one = muon::read_text(folder_ + "/muon.xclbin");
    const auto rtl = muon::read_text(folder_ + "/rtl/muon_kernel.sv");
    ASSERT_TRUE(write().ok());

    EXPECT_EQ(*muon::read_text(folder_ + "/muon.xclbin"), *one);
    EXPECT_EQ(*muon::read_text(folder_ + "/rtl/muon_kernel.sv"), *rtl);
    EXPECT_THAT(*rtl, HasSubstr("second_eta_wide < -16'sd256 ? 9'd256"));
}

TEST_F(KernelFolder, IsRefusedWithAnXclbinThatItsManifestWasNotWrittenFor) {
    const auto manifest = write();
    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    ASSERT_TRUE(fpga::read_model(*manifest).ok());
    const std::string path = folder_ + "/muon.xclbin";
    std::string bytes = *muon::read_text(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    ASSERT_TRUE(muon::write_text(path, bytes).ok());

    const auto model = fpga::read_model(*manifest);

    EXPECT_EQ(model.status().code(), StatusCode::invalid_argument);
    EXPECT_THAT(model.status().message(), HasSubstr("muon.toml was not written for"));
    EXPECT_THAT(model.status().message(), HasSubstr("write the model's folder again"));
}

TEST_F(KernelFolder, IsNotBegunWithANameOrUnitsThatAreNone) {
    EXPECT_THAT(write({.name = "a/b"}).status().message(), HasSubstr("letters, digits"));
    EXPECT_THAT(write({.units = 16}).status().message(), HasSubstr("write 1 to 15"));
    const EnvironmentChange no_programs("PATH", "");  // nothing is compiled first
    EXPECT_THAT(write({.units = 0, .rtl = true}).status().message(), HasSubstr("write 1 to 15"));
    EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(KernelFolder, OfRtlMayHaveAnyNameAndKeepsWhatElseIsInIt) {
    if (!muon::has_program("verilator")) GTEST_SKIP() << "verilator is missing";
    folder_ += " with space";
    const std::string mine = folder_ + "/verilated/mine";
    ASSERT_TRUE(muon::write_text(mine, "kept").ok());

    const auto manifest = write({.rtl = true});

    ASSERT_TRUE(manifest.ok()) << manifest.status().message();
    EXPECT_TRUE(fpga::read_model(*manifest).ok());
    EXPECT_EQ(*muon::read_text(mine), "kept");
    const std::string built_elsewhere =
        BUNCH_TEST_KERNELS "/" + muon::kernel_name(Task::pair, true) + "/muon.xclbin";
    EXPECT_EQ(*muon::read_text(folder_ + "/muon.xclbin"), *muon::read_text(built_elsewhere));
}

TEST_F(KernelFolder, OfRtlNeedsATemporaryFolderThatVerilatorCanWorkIn) {
    if (!muon::has_program("verilator")) GTEST_SKIP() << "verilator is missing";
    const std::string spaced = folder_ + " for temporary files";
    std::filesystem::create_directories(spaced);
    {
        const EnvironmentChange temporary("TMPDIR", spaced);
        EXPECT_THAT(write({.rtl = true}).status().message(),
                    HasSubstr("Verilator cannot work in '" + spaced));
    }
    EXPECT_FALSE(std::filesystem::exists(folder_));
    EXPECT_TRUE(std::filesystem::remove(spaced)) << "it is not empty";
}

}  // namespace
}  // namespace bunch::emulation
