#include "backends/xrt/emulation/rtl/axi_memory.h"

#include "core/check.h"

namespace bunch::emulation {
namespace {

constexpr std::size_t kMaxOpenBursts = 8;
constexpr std::uint64_t kPage = 4096;
constexpr std::size_t kLaneBytes = 8;
constexpr std::uint8_t kOkay = 0;
constexpr std::uint8_t kDecodeError = 3;

}  // namespace

bool AxiMemory::stalls() {
    return stalls_.percent != 0 && random_() % 100 < stalls_.percent;
}

const AxiMemory::Slave& AxiMemory::drive(Bus* bus) {
    slave_.arready = reads_.size() < kMaxOpenBursts && !stalls();
    slave_.awready = writes_.size() < kMaxOpenBursts && !stalls();
    slave_.wready = bus != nullptr && !writes_.empty() && !stalls();
    // What is offered stays until it is taken.
    if (!slave_.rvalid && !reads_.empty() && bus != nullptr && !stalls()) read_beat(*bus);
    if (!slave_.bvalid && !answers_.empty() && !stalls()) {
        slave_.bvalid = true;
        slave_.bresp = answers_.front();
        answers_.pop_front();
    }
    return slave_;
}

void AxiMemory::clock(const Master& master, Bus* bus) {
    check(master);
    if (slave_.arready && master.arvalid) reads_.push_back({master.araddr, master.arlen + 1U});
    if (slave_.awready && master.awvalid) writes_.push_back({master.awaddr, master.awlen + 1U});
    if (slave_.wready && master.wvalid) write_beat(master, *bus);
    if (slave_.rvalid && master.rready) slave_.rvalid = false;
    if (slave_.bvalid && master.bready) slave_.bvalid = false;
    waiting_ = master;
    waiting_.arvalid = master.arvalid && !slave_.arready;
    waiting_.awvalid = master.awvalid && !slave_.awready;
    waiting_.wvalid = master.wvalid && !slave_.wready;
}

void AxiMemory::reset() {
    slave_ = {};
    waiting_ = {};
    reads_.clear();
    writes_.clear();
    answers_.clear();
    write_response_ = kOkay;
    faulted_ = false;
}

// The last beat may reach beyond its buffer: what is outside reads as zeros.
void AxiMemory::read_beat(Bus& bus) {
    Burst& burst = reads_.front();
    bool any = bus.read(burst.address, slave_.rdata.data(), kBeatBytes);
    if (!any) {
        slave_.rdata.fill(std::byte{0});
        for (std::size_t lane = 0; lane < kBeatBytes; lane += kLaneBytes)
            if (bus.read(burst.address + lane, slave_.rdata.data() + lane, kLaneBytes)) any = true;
    }
    slave_.rresp = any ? kOkay : kDecodeError;
    faulted_ = faulted_ || !any;
    slave_.rvalid = true;
    slave_.rlast = burst.beats == 1;
    burst.address += kBeatBytes;
    if (--burst.beats == 0) reads_.pop_front();
}

void AxiMemory::write_beat(const Master& master, Bus& bus) {
    Burst& burst = writes_.front();
    BUNCH_CHECK(master.wlast == (burst.beats == 1));
    for (std::size_t from = 0; from < kBeatBytes;) {
        std::size_t to = from;
        while (to < kBeatBytes && (master.wstrb >> to & 1) != 0) ++to;
        if (to > from && !bus.write(burst.address + from, master.wdata.data() + from, to - from)) {
            write_response_ = kDecodeError;
            faulted_ = true;
        }
        from = to + 1;
    }
    burst.address += kBeatBytes;
    if (--burst.beats != 0) return;
    answers_.push_back(write_response_);
    write_response_ = kOkay;
    writes_.pop_front();
}

// No burst leaves its page or begins inside a beat, and what is offered stays until it is taken.
void AxiMemory::check(const Master& master) const {
    const auto in_one_page = [](std::uint64_t address, std::uint64_t len) {
        return address % kBeatBytes == 0 && address % kPage + (len + 1) * kBeatBytes <= kPage;
    };
    if (master.arvalid) BUNCH_CHECK(in_one_page(master.araddr, master.arlen));
    if (master.awvalid) BUNCH_CHECK(in_one_page(master.awaddr, master.awlen));
    if (waiting_.arvalid)
        BUNCH_CHECK(master.arvalid && master.araddr == waiting_.araddr &&
                    master.arlen == waiting_.arlen);
    if (waiting_.awvalid)
        BUNCH_CHECK(master.awvalid && master.awaddr == waiting_.awaddr &&
                    master.awlen == waiting_.awlen);
    if (waiting_.wvalid)
        BUNCH_CHECK(master.wvalid && master.wdata == waiting_.wdata &&
                    master.wstrb == waiting_.wstrb && master.wlast == waiting_.wlast);
}

}  // namespace bunch::emulation
