/// A kernel of which only the pins are seen, as an RtlKernel: they are driven clock by clock. The
/// pins are those of dense_kernel.sv and of the kernels of 'bunch-muon rtl'.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "backends/xrt/emulation/rtl/axi_memory.h"
#include "backends/xrt/emulation/rtl/rtl_kernel.h"

namespace bunch::emulation {

/// `Top` has the pins as members, eval() for a change of them, and busy(): whether a run is under
/// way.
template <typename Top>
class PinKernel final : public RtlKernel {
  public:
    PinKernel(std::unique_ptr<Top> top, const Stalls& stalls)
        : top_(std::move(top)), memory_(stalls) {
        top_->s_axi_control_awvalid = 0;
        top_->s_axi_control_wvalid = 0;
        top_->s_axi_control_bready = 0;
        top_->s_axi_control_arvalid = 0;
        top_->s_axi_control_rready = 0;
        PinKernel::reset();
    }

    void axil_write(std::uint32_t offset, std::uint32_t value) override {
        top_->s_axi_control_awaddr = static_cast<std::uint16_t>(offset);
        top_->s_axi_control_wdata = value;
        top_->s_axi_control_wstrb = 0xf;
        top_->s_axi_control_awvalid = 1;
        top_->s_axi_control_wvalid = 1;
        clock(nullptr);  // both are ready between writes
        top_->s_axi_control_awvalid = 0;
        top_->s_axi_control_wvalid = 0;
        top_->s_axi_control_bready = 1;
        while (!clock(nullptr).write_answered) {
        }
        top_->s_axi_control_bready = 0;
    }

    std::uint32_t axil_read(std::uint32_t offset) override {
        top_->s_axi_control_araddr = static_cast<std::uint16_t>(offset);
        top_->s_axi_control_arvalid = 1;
        clock(nullptr);
        top_->s_axi_control_arvalid = 0;
        top_->s_axi_control_rready = 1;
        std::uint32_t value = 0;
        while (true) {
            const Answers answers = clock(nullptr);
            if (!answers.read_answered) continue;
            value = answers.read_value;
            break;
        }
        top_->s_axi_control_rready = 0;
        return value;
    }

    bool step(Bus& bus) override {
        for (int clocks = 0; clocks < kClocksPerStep; ++clocks) {
            clock(&bus);
            if (!top_->busy() || memory_.faulted()) break;
        }
        return !memory_.faulted();
    }

    void reset() override {
        memory_.reset();
        top_->ap_rst_n = 0;
        for (int clocks = 0; clocks < 4; ++clocks) clock(nullptr);
        memory_.reset();
        top_->ap_rst_n = 1;
        for (int clocks = 0; clocks < 4; ++clocks) clock(nullptr);
    }

    std::uint64_t clocks() const override { return clocks_; }

  private:
    static constexpr int kClocksPerStep = 1024;

    struct Answers {
        bool write_answered;
        bool read_answered;
        std::uint32_t read_value;
    };

    Answers clock(Bus* bus) {
        drive(memory_.drive(bus));
        top_->ap_clk = 0;
        top_->eval();
        const AxiMemory::Master master = sampled();
        const Answers answers{top_->s_axi_control_bvalid && top_->s_axi_control_bready,
                              top_->s_axi_control_rvalid && top_->s_axi_control_rready,
                              top_->s_axi_control_rdata};
        if (top_->ap_rst_n) memory_.clock(master, bus);
        top_->ap_clk = 1;
        top_->eval();
        ++clocks_;
        return answers;
    }

    void drive(const AxiMemory::Slave& slave) {
        top_->m_axi_gmem_arready = slave.arready;
        std::memcpy(&top_->m_axi_gmem_rdata, slave.rdata.data(), kBeatBytes);
        top_->m_axi_gmem_rresp = slave.rresp;
        top_->m_axi_gmem_rlast = slave.rlast;
        top_->m_axi_gmem_rvalid = slave.rvalid;
        top_->m_axi_gmem_awready = slave.awready;
        top_->m_axi_gmem_wready = slave.wready;
        top_->m_axi_gmem_bresp = slave.bresp;
        top_->m_axi_gmem_bvalid = slave.bvalid;
    }

    AxiMemory::Master sampled() const {
        AxiMemory::Master master;
        master.araddr = top_->m_axi_gmem_araddr;
        master.arlen = top_->m_axi_gmem_arlen;
        master.arvalid = top_->m_axi_gmem_arvalid != 0;
        master.rready = top_->m_axi_gmem_rready != 0;
        master.awaddr = top_->m_axi_gmem_awaddr;
        master.awlen = top_->m_axi_gmem_awlen;
        master.awvalid = top_->m_axi_gmem_awvalid != 0;
        std::memcpy(master.wdata.data(), &top_->m_axi_gmem_wdata, kBeatBytes);
        master.wstrb = top_->m_axi_gmem_wstrb;
        master.wlast = top_->m_axi_gmem_wlast != 0;
        master.wvalid = top_->m_axi_gmem_wvalid != 0;
        master.bready = top_->m_axi_gmem_bready != 0;
        return master;
    }

    std::unique_ptr<Top> top_;
    AxiMemory memory_;
    std::uint64_t clocks_ = 0;
};

}  // namespace bunch::emulation
