// What the FPGA runner costs per kernel call, through its Lane interface, over the real XRT with an
// emulated card beneath it:
//
//     build/release/bin/xrt_bench [seconds per figure]
//
// - serial: one call at a time on an instant kernel, and the same calls through XRT alone;
// - pipelined: calls per second with every slot kept full, for 1 to 4 units and 1 to 8 slots;
// - a kernel of 1.5 ms: how much of the time the lane computes, with one slot and with two.
//
// The kernel copies a row of 64 bytes. Nothing here says how fast a card is.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backends/xrt/emulation/arrangement.h"
#include "backends/xrt/emulation/model_folder.h"
#include "backends/xrt/fpga_card.h"
#include "backends/xrt/placement.h"
#include "backends/xrt/xrt_backend.h"

namespace {

using namespace bunch;
using namespace std::chrono_literals;

constexpr std::uint32_t kUnits = 4;
constexpr std::int64_t kWidth = 16;  // floats of a row

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "xrt_bench: %s\n", why.c_str());
    std::exit(1);
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

/// Memory as an arena has it: aligned to pages.
class Memory {
  public:
    explicit Memory(std::size_t bytes)
        : bytes_(bytes), data_(static_cast<std::byte*>(std::aligned_alloc(4096, bytes))) {
        std::fill_n(data_, bytes_, std::byte{1});
    }
    ~Memory() { std::free(data_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    std::span<std::byte> bytes() const { return {data_, bytes_}; }

  private:
    std::size_t bytes_;
    std::byte* data_;
};

/// One lane with its arena, as LaneThread would use it.
class BenchLane {
  public:
    BenchLane(Backend& backend, std::uint32_t index, std::uint32_t slots)
        : arena_(std::size_t{slots} * 8192), slots_(slots) {
        auto lane = backend.open_lane(index, arena_.bytes());
        if (!lane.ok()) give_up(lane.status().to_string());
        lane_ = std::move(*lane);
    }

    void submit(std::uint32_t slot) {
        const auto slot_bytes = arena_.bytes().subspan(slot * std::size_t{8192});
        const ConstTensorView input(DataType::f32, {1, kWidth}, slot_bytes.first(64));
        const TensorView output{DataType::f32, {1, kWidth}, slot_bytes.subspan(64, 64)};
        const Status status = lane_->submit(SlotId{slot}, ModelId{0}, {&input, 1}, {&output, 1});
        if (!status.ok()) give_up(status.to_string());
    }

    Completion wait() {
        auto completion = lane_->wait(now() + 10s);
        if (!completion) give_up("a call did not end");
        if (!completion->status.ok()) give_up(completion->status.to_string());
        return std::move(*completion);
    }

    std::uint32_t slots() const { return slots_; }

  private:
    Memory arena_;
    std::uint32_t slots_;
    std::unique_ptr<Lane> lane_;
};

struct Figures {
    double calls_per_second = 0;
    double busy = 0;  ///< part of the lanes' time that batches computed
};

class Device {
  public:
    Device(const std::string& card, const std::string& manifest, std::uint32_t lanes,
           std::uint32_t slots) {
        auto backend = make_xrt_backend(
            {{"card", card}, {"lanes", std::to_string(lanes)}, {"slots", std::to_string(slots)}});
        if (!backend.ok()) give_up(backend.status().to_string());
        backend_ = std::move(*backend);
        for (std::uint32_t i = 0; i < lanes; ++i)
            lanes_.push_back(std::make_unique<BenchLane>(*backend_, i, slots));
        const auto loaded = backend_->load(ModelId{0}, emulation::fpga_spec("copy", manifest, 16));
        if (!loaded.ok()) give_up(loaded.status().to_string());
    }
    ~Device() {
        backend_->unload(ModelId{0});
        lanes_.clear();
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    BenchLane& lane() { return *lanes_.front(); }

    /// All lanes at once, each on its thread, with every slot kept full.
    Figures pipeline(Duration span) {
        std::atomic<std::uint64_t> calls{0};
        std::atomic<std::int64_t> computed{0};
        const TimePoint begin = now();
        std::vector<std::jthread> threads;
        for (const auto& lane : lanes_)
            threads.emplace_back([&, begin] { keep_full(*lane, begin + span, calls, computed); });
        threads.clear();
        const double seconds = to_seconds(now() - begin);
        return {
            static_cast<double>(calls) / seconds,
            to_seconds(Duration(computed.load())) / seconds / static_cast<double>(lanes_.size())};
    }

  private:
    static void keep_full(BenchLane& lane, TimePoint end, std::atomic<std::uint64_t>& calls,
                          std::atomic<std::int64_t>& computed) {
        std::uint64_t done = 0;
        Duration compute{};
        std::uint32_t in_flight = 0;
        for (; in_flight < lane.slots(); ++in_flight) lane.submit(in_flight);
        while (in_flight > 0) {
            const Completion completion = lane.wait();
            ++done;
            compute += completion.times.compute_end - completion.times.compute_begin;
            if (completion.times.transfer_end < end)
                lane.submit(completion.slot.value);
            else
                --in_flight;
        }
        calls += done;
        computed += compute.count();
    }

    std::unique_ptr<Backend> backend_;
    std::vector<std::unique_ptr<BenchLane>> lanes_;
};

/// Microseconds of one call through the lane.
double serial(Device& device, Duration span) {
    std::vector<double> times;
    for (const TimePoint end = now() + span; now() < end;) {
        const TimePoint begin = now();
        device.lane().submit(0);
        device.lane().wait();
        times.push_back(to_seconds(now() - begin) * 1e6);
    }
    return median(std::move(times));
}

/// The same kernel and transfers through XRT alone.
double serial_alone(const std::string& manifest, Duration span) {
    const auto model = fpga::read_model(manifest);
    if (!model.ok()) give_up(model.status().to_string());
    const ::xrt::device device(0u);
    ::xrt::device handle = device;
    const auto uuid = handle.load_xclbin(reinterpret_cast<const axlf*>((*model)->file->data()));
    const ::xrt::kernel kernel(handle, uuid, "k:{k_1}");
    ::xrt::bo in(handle, 4096, static_cast<xrtMemoryGroup>(kernel.group_id(1)));
    ::xrt::bo out(handle, 4096, static_cast<xrtMemoryGroup>(kernel.group_id(2)));
    ::xrt::run run(kernel);
    run.set_arg(0, 1u);
    run.set_arg(1, in);
    run.set_arg(2, out);
    std::vector<double> times;
    for (const TimePoint end = now() + span; now() < end;) {
        const TimePoint begin = now();
        in.sync(XCL_BO_SYNC_BO_TO_DEVICE, 64, 0);
        run.start();
        run.wait(10s);
        out.sync(XCL_BO_SYNC_BO_FROM_DEVICE, 64, 0);
        times.push_back(to_seconds(now() - begin) * 1e6);
    }
    return median(std::move(times));
}

void print_serial(const std::string& manifest, Duration span) {
    // A B A B: the machine may be busy with other things.
    std::vector<double> lane, alone;
    Device device("0", manifest, 1, 2);
    for (int round = 0; round < 3; ++round) {
        lane.push_back(serial(device, span / 3));
        alone.push_back(serial_alone(manifest, span / 3));
    }
    std::printf("serial, median: %.1f us per call through the lane, %.1f us through XRT alone\n",
                median(lane), median(alone));
}

void print_pipelined(const std::string& manifest, Duration span) {
    std::printf("\npipelined, thousand calls/s\nunits \\ slots");
    const std::uint32_t slot_counts[] = {1, 2, 4, 8};
    for (const std::uint32_t slots : slot_counts) std::printf("%9u", slots);
    std::printf("\n");
    for (const std::uint32_t units : {1u, 2u, kUnits}) {
        std::printf("%13u", units);
        for (const std::uint32_t slots : slot_counts) {
            Device device("0", manifest, units, slots);
            std::printf("%9.1f", device.pipeline(span).calls_per_second / 1000);
            std::fflush(stdout);
        }
        std::printf("\n");
    }
}

void print_busy(const std::string& manifest, Duration span) {
    std::printf("\nkernel of 1.5 ms (at most 666.7 calls/s per unit)\n");
    for (const std::uint32_t units : {1u, 2u}) {
        for (const std::uint32_t slots : {1u, 2u}) {
            Device device("1", manifest, units, slots);
            const Figures figures = device.pipeline(span);
            const double most = 1000 / 1.5 * units;
            std::printf(
                "%u units, %u slots: %.1f calls/s, %.1f %% of the most; computing %.1f %%\n", units,
                slots, figures.calls_per_second, 100 * figures.calls_per_second / most,
                100 * figures.busy);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
    if (!(seconds > 0)) give_up("usage: xrt_bench [seconds per figure]");
    const Duration span = from_seconds(seconds);
    emulation::arrange_cards(
        "[[card]]\nname = \"bunch_emulated_instant\"\n"
        "[[card]]\nname = \"bunch_emulated_slow\"\nlatency = \"1500us\"\n");
    emulation::FpgaFolder folder = emulation::copying_model("copy");
    folder.units = kUnits;
    const std::string manifest = emulation::write_model(folder, emulation::card_folder());
    print_serial(manifest, span);
    print_pipelined(manifest, span);
    print_busy(manifest, span);
    return 0;
}
