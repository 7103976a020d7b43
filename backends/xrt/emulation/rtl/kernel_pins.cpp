// The library's side of kernel_pins.h. Compiled beside what Verilator made of a kernel's RTL with
// the prefix Vkernel; KERNEL_BUSY is its name for the signal that tells a run under way.
#include "kernel_pins.h"

#include <verilated.h>

#include <cstring>

#include "Vkernel.h"
#include "Vkernel___024root.h"

struct Context : VerilatedContext {
    Context() { randReset(2); }  // what is not set begins with anything, as in hardware
};

struct BunchKernel {
    Context context;
    Vkernel top{&context, "kernel"};
    ~BunchKernel() { top.final(); }
};

namespace {

BunchKernel* create() {
    return new BunchKernel;
}

void destroy(BunchKernel* kernel) {
    delete kernel;
}

void take_inputs(Vkernel& top, const BunchKernelPins& pins) {
    top.ap_clk = pins.ap_clk;
    top.ap_rst_n = pins.ap_rst_n;
    top.s_axi_control_awaddr = pins.s_axi_control_awaddr;
    top.s_axi_control_awvalid = pins.s_axi_control_awvalid;
    top.s_axi_control_wdata = pins.s_axi_control_wdata;
    top.s_axi_control_wstrb = pins.s_axi_control_wstrb;
    top.s_axi_control_wvalid = pins.s_axi_control_wvalid;
    top.s_axi_control_bready = pins.s_axi_control_bready;
    top.s_axi_control_araddr = pins.s_axi_control_araddr;
    top.s_axi_control_arvalid = pins.s_axi_control_arvalid;
    top.s_axi_control_rready = pins.s_axi_control_rready;
    top.m_axi_gmem_arready = pins.m_axi_gmem_arready;
    std::memcpy(&top.m_axi_gmem_rdata, pins.m_axi_gmem_rdata, sizeof(pins.m_axi_gmem_rdata));
    top.m_axi_gmem_rresp = pins.m_axi_gmem_rresp;
    top.m_axi_gmem_rlast = pins.m_axi_gmem_rlast;
    top.m_axi_gmem_rvalid = pins.m_axi_gmem_rvalid;
    top.m_axi_gmem_awready = pins.m_axi_gmem_awready;
    top.m_axi_gmem_wready = pins.m_axi_gmem_wready;
    top.m_axi_gmem_bresp = pins.m_axi_gmem_bresp;
    top.m_axi_gmem_bvalid = pins.m_axi_gmem_bvalid;
}

void give_outputs(const Vkernel& top, BunchKernelPins& pins) {
    pins.busy = top.rootp->KERNEL_BUSY;
    pins.s_axi_control_awready = top.s_axi_control_awready;
    pins.s_axi_control_wready = top.s_axi_control_wready;
    pins.s_axi_control_bresp = top.s_axi_control_bresp;
    pins.s_axi_control_bvalid = top.s_axi_control_bvalid;
    pins.s_axi_control_arready = top.s_axi_control_arready;
    pins.s_axi_control_rdata = top.s_axi_control_rdata;
    pins.s_axi_control_rresp = top.s_axi_control_rresp;
    pins.s_axi_control_rvalid = top.s_axi_control_rvalid;
    pins.m_axi_gmem_araddr = top.m_axi_gmem_araddr;
    pins.m_axi_gmem_arlen = top.m_axi_gmem_arlen;
    pins.m_axi_gmem_arsize = top.m_axi_gmem_arsize;
    pins.m_axi_gmem_arburst = top.m_axi_gmem_arburst;
    pins.m_axi_gmem_arvalid = top.m_axi_gmem_arvalid;
    pins.m_axi_gmem_rready = top.m_axi_gmem_rready;
    pins.m_axi_gmem_awaddr = top.m_axi_gmem_awaddr;
    pins.m_axi_gmem_awlen = top.m_axi_gmem_awlen;
    pins.m_axi_gmem_awsize = top.m_axi_gmem_awsize;
    pins.m_axi_gmem_awburst = top.m_axi_gmem_awburst;
    pins.m_axi_gmem_awvalid = top.m_axi_gmem_awvalid;
    std::memcpy(pins.m_axi_gmem_wdata, &top.m_axi_gmem_wdata, sizeof(pins.m_axi_gmem_wdata));
    pins.m_axi_gmem_wstrb = top.m_axi_gmem_wstrb;
    pins.m_axi_gmem_wlast = top.m_axi_gmem_wlast;
    pins.m_axi_gmem_wvalid = top.m_axi_gmem_wvalid;
    pins.m_axi_gmem_bready = top.m_axi_gmem_bready;
}

void eval(BunchKernel* kernel, BunchKernelPins* pins) {
    take_inputs(kernel->top, *pins);
    kernel->top.eval();
    give_outputs(kernel->top, *pins);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const BunchKernelLibrary bunch_kernel_library = {
    BUNCH_KERNEL_PINS_VERSION, sizeof(BunchKernelPins), create, destroy, eval};
