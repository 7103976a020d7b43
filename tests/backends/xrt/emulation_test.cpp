/// The emulated card through the public interface of XRT, as the runner uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "backends/xrt/emulation/arrangement.h"
#include "backends/xrt/emulation/card_settings.h"
#include "backends/xrt/emulation/card_state.h"
#include "tests/backends/xrt/designs.h"

namespace bunch::test {
namespace {

using emulation::arrange_cards;
using emulation::card_state;

using namespace std::chrono_literals;
using emulation::Board;
using testing::HasSubstr;

const bool kArranged = [] {
    arrange_cards(R"(
[[card]]
name = "bunch_emulated_test"
state = "card.state"
[[card.kernel]]
name = "other"
latency = "5ms"
per_row = "1ms"
)");
    return true;
}();

class EmulatedCard : public testing::Test {
  protected:
    emulation::CardState& state() { return card_state("card.state"); }
    emulation::CardFaults& faults() { return state().faults(); }

    void load(std::uint8_t uuid = 1) {
        file_ = copying_file(uuid);
        device_ = ::xrt::device(0u);
        uuid_ = device_.load_xclbin(reinterpret_cast<const axlf*>(file_.data()));
    }

    ::xrt::kernel kernel(const std::string& name = "dense:{dense_1}") {
        return {device_, uuid_, name};
    }

    struct Call {
        ::xrt::bo in;
        ::xrt::bo out;
        ::xrt::run run;
    };

    Call call(const ::xrt::kernel& kernel, std::uint32_t rows = 1, char value = 1) {
        Call made{::xrt::bo(device_, 4096, static_cast<xrtMemoryGroup>(kernel.group_id(1))),
                  ::xrt::bo(device_, 4096, static_cast<xrtMemoryGroup>(kernel.group_id(2))),
                  ::xrt::run(kernel)};
        std::fill_n(made.in.map<char*>(), std::min(4096u, 64 * rows), value);
        std::fill_n(made.out.map<char*>(), 4096, 0);
        made.in.sync(XCL_BO_SYNC_BO_TO_DEVICE);
        made.run.set_arg(0, rows);
        made.run.set_arg(1, made.in);
        made.run.set_arg(2, made.out);
        return made;
    }

    static ert_cmd_state run(Call& call, std::chrono::milliseconds limit = 10s) {
        call.run.start();
        return call.run.wait(limit);
    }

    template <typename Action>
    static int error_of(Action action) {
        try {
            action();
        } catch (const std::system_error& error) {
            return std::abs(error.code().value());
        }
        return 0;
    }

    std::vector<std::byte> file_;
    ::xrt::device device_;
    ::xrt::uuid uuid_;
};

TEST_F(EmulatedCard, ComputesUnderStockXrt) {
    load();
    Call made = call(kernel(), 3, 42);

    ASSERT_EQ(run(made), ERT_CMD_STATE_COMPLETED);
    made.out.sync(XCL_BO_SYNC_BO_FROM_DEVICE);

    EXPECT_EQ(made.out.map<char*>()[0], 42);
    EXPECT_EQ(made.out.map<char*>()[3 * 64 - 1], 42);
    EXPECT_EQ(made.out.map<char*>()[3 * 64], 0);
    EXPECT_EQ(device_.get_info<::xrt::info::device::name>(), "bunch_emulated_test");
    EXPECT_EQ(device_.get_info<::xrt::info::device::max_clock_frequency_mhz>(), 300u);
}

TEST_F(EmulatedCard, KeepsHostAndCardApartUntilTheyAreSynced) {
    load();
    Call made = call(kernel(), 1, 1);
    made.in.map<char*>()[0] = 2;

    ASSERT_EQ(run(made), ERT_CMD_STATE_COMPLETED);
    EXPECT_EQ(made.out.map<char*>()[0], 0);
    made.out.sync(XCL_BO_SYNC_BO_FROM_DEVICE);
    EXPECT_EQ(made.out.map<char*>()[0], 1);
}

TEST_F(EmulatedCard, RunsItsUnitsAtTheSameTime) {
    load();
    Call first = call(kernel("dense:{dense_1}"));
    Call second = call(kernel("dense:{dense_2}"));
    Call third = call(kernel("other"));

    first.run.start();
    second.run.start();
    third.run.start();

    EXPECT_EQ(first.run.wait(10s), ERT_CMD_STATE_COMPLETED);
    EXPECT_EQ(second.run.wait(10s), ERT_CMD_STATE_COMPLETED);
    EXPECT_EQ(third.run.wait(10s), ERT_CMD_STATE_COMPLETED);
    EXPECT_EQ(faults().runs, 3u);
}

TEST_F(EmulatedCard, TakesAsLongAsItsSettingsSay) {
    load();
    Call made = call(kernel("other"), 5);
    const auto begin = std::chrono::steady_clock::now();

    ASSERT_EQ(run(made), ERT_CMD_STATE_COMPLETED);

    EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms);
}

TEST_F(EmulatedCard, EndsACallInErrorWhenItReadsWhereThereIsNoMemory) {
    load();
    Call made = call(kernel(), 65);  // 65 rows of 64 bytes are more than a page

    EXPECT_EQ(run(made), ERT_CMD_STATE_ERROR);
    Call next = call(kernel());
    EXPECT_EQ(run(next), ERT_CMD_STATE_COMPLETED);
}

TEST_F(EmulatedCard, EndsACallInErrorWhenToldTo) {
    load();
    faults().failing_runs = 1;
    Call made = call(kernel());

    EXPECT_EQ(run(made), ERT_CMD_STATE_ERROR);
    EXPECT_EQ(run(made), ERT_CMD_STATE_COMPLETED);
}

TEST_F(EmulatedCard, IsDeadOnceTheProcessOfAHangingCallIsGoneUntilItIsReset) {
    const pid_t child = ::fork();
    if (child == 0) {
        load();
        faults().hanging_units = 1;
        Call made = call(kernel());
        made.run.start();
        const bool hung = made.run.wait(20ms) == ERT_CMD_STATE_TIMEOUT;
        ::_exit(hung && state().health() == 0 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);

    EXPECT_EQ(error_of([&] { load(); }), EDEADLK);
    state().reset();
    load();
    Call made = call(kernel());
    EXPECT_EQ(run(made), ERT_CMD_STATE_COMPLETED);
}

TEST_F(EmulatedCard, IsDeadOnceAHangingCallIsAborted) {
    const pid_t child = ::fork();
    if (child == 0) {
        load();
        Call good = call(kernel("dense:{dense_2}"));
        faults().hanging_units = 1;
        Call made = call(kernel());
        made.run.start();
        while (faults().hung_process == 0) ::usleep(100);
        std::thread([&] { made.run.abort(); }).detach();  // waits for a call that never ends
        while (state().health() == 0) ::usleep(100);
        ::_exit(error_of([&] { good.run.start(); }) == EDEADLK ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);

    EXPECT_EQ(status, 0);
    EXPECT_EQ(state().health(), -EDEADLK);
}

TEST_F(EmulatedCard, CannotBeOpenedOnceItIsGone) {
    load();
    Call made = call(kernel());
    faults().board = Board::gone;

    EXPECT_EQ(error_of([&] { made.run.start(); }), ENODEV);
    EXPECT_ANY_THROW(::xrt::device(0u));
    faults().board = Board::well;
    Call next = call(kernel());  // a run that could not be started cannot be started again
    EXPECT_EQ(run(next), ERT_CMD_STATE_COMPLETED);
}

TEST_F(EmulatedCard, RefusesALoadThatFailsOrFindsItInUse) {
    faults().failing_loads = 1;
    EXPECT_EQ(error_of([&] { load(); }), EIO);
    faults().busy_loads = 1;
    EXPECT_EQ(error_of([&] { load(); }), EBUSY);

    load();
    const ::xrt::kernel holder = kernel();
    EXPECT_EQ(error_of([&] { load(2); }), EBUSY);
}

TEST_F(EmulatedCard, BelongsToTheProcessThatUsesItsDesign) {
    load();
    const ::xrt::kernel holder = kernel();
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const fpga::Uuid other = {9};
        ::_exit(state().set_design(other, false) == -EBUSY ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);

    EXPECT_EQ(status, 0);
}

TEST_F(EmulatedCard, HasNoMoreMemoryThanItsBankHas) {
    load();
    const ::xrt::kernel used = kernel();
    const auto bank = static_cast<xrtMemoryGroup>(used.group_id(1));
    const std::size_t all = sample_design().memories[bank].bytes;

    EXPECT_THROW(::xrt::bo(device_, all + 4096, bank), std::bad_alloc);
    {
        const ::xrt::bo most(device_, all, bank);
        EXPECT_THROW(::xrt::bo(device_, 4096, bank), std::bad_alloc);
    }
    const ::xrt::bo again(device_, all, bank);
    faults().taken_bytes = all;
    EXPECT_THROW(::xrt::bo(device_, 4096, bank), std::bad_alloc);
}

TEST_F(EmulatedCard, TakesMemoryOfTheProgramForItsHostSide) {
    load();
    alignas(4096) static char memory[4096];
    const ::xrt::kernel used = kernel();
    ::xrt::bo in(device_, memory, sizeof memory, static_cast<xrtMemoryGroup>(used.group_id(1)));
    Call made = call(used);
    std::fill_n(memory, sizeof memory, 17);
    in.sync(XCL_BO_SYNC_BO_TO_DEVICE);
    made.run.set_arg(1, in);

    ASSERT_EQ(run(made), ERT_CMD_STATE_COMPLETED);
    made.out.sync(XCL_BO_SYNC_BO_FROM_DEVICE);

    EXPECT_EQ(made.out.map<char*>()[5], 17);
}

TEST_F(EmulatedCard, SaysWhatIsWrongWithItsSettings) {
    const auto message = [](const std::string& toml) {
        return emulation::parse_card_settings(toml, "cards.toml", "/x").status().message();
    };

    EXPECT_THAT(message(""), HasSubstr("no [[card]]"));
    EXPECT_THAT(message("[[card]]\nlatency = 5"),
                HasSubstr("cards.toml:2: latency = 5 has no unit"));
    EXPECT_THAT(message("[[card]]\nlatensy = \"5ms\""), HasSubstr("did you mean latency?"));
    EXPECT_THAT(message("[[card]]\nkernel = 3"), HasSubstr("[[kernel]]"));
    EXPECT_THAT(message("[cart]"), HasSubstr("did you mean card?"));
    const auto cards = emulation::parse_card_settings("[[card]]\nstate='s'", "cards.toml", "/x");
    ASSERT_TRUE(cards.ok());
    EXPECT_EQ(cards->front().state, "/x/s");
}

TEST_F(EmulatedCard, LoadsWhatTheCheckOfXclbinsAcceptsWithoutHarm) {
    const std::uint32_t seed = 20240606;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const std::vector<std::byte> good = copying_file();
    const ::xrt::device device(0u);
    int refused = 0, failed = 0, loaded = 0;

    for (int i = 0; i < 10000; ++i) {
        const std::vector<std::byte> bad = damaged(good, random);
        const auto design = fpga::parse_xclbin(bad);
        if (!design.ok()) {
            ++refused;
            continue;
        }
        try {
            ::xrt::device user = device;
            const auto uuid = user.load_xclbin(reinterpret_cast<const axlf*>(bad.data()));
            for (const fpga::Kernel& kernel : design->kernels) {
                const ::xrt::kernel made(user, uuid, kernel.name);
                const ::xrt::run run(made);
                for (std::size_t k = 0; k < kernel.arguments.size(); ++k)
                    if (kernel.arguments[k].pointer)
                        static_cast<void>(made.group_id(static_cast<int>(k)));
            }
            ++loaded;
        } catch (const std::exception&) {
            ++failed;
        }
    }

    EXPECT_GT(refused, 2000);
    EXPECT_GT(loaded, 200);
    std::printf("refused by the check %d, by XRT or the card %d, loaded %d\n", refused, failed,
                loaded);
}

}  // namespace
}  // namespace bunch::test
