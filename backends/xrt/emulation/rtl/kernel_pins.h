/* The pins of a kernel whose RTL was compiled by Verilator into a library of its own, and that
   library's functions. Plain C, nothing of ours: it is compiled beside the RTL (kernel_pins.cpp),
   where none of this project's headers is, and by whoever loads the library (loaded_kernel.cpp). */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BUNCH_KERNEL_PINS_VERSION 1u

struct BunchKernelPins {
    uint8_t busy;             /* a run is under way; not a pin */
    uint8_t ap_clk, ap_rst_n; /* nobody waits for interrupts */
    uint16_t s_axi_control_awaddr, s_axi_control_araddr;
    uint32_t s_axi_control_wdata, s_axi_control_rdata;
    uint8_t s_axi_control_awvalid, s_axi_control_awready;
    uint8_t s_axi_control_wstrb, s_axi_control_wvalid, s_axi_control_wready;
    uint8_t s_axi_control_bresp, s_axi_control_bvalid, s_axi_control_bready;
    uint8_t s_axi_control_arvalid, s_axi_control_arready;
    uint8_t s_axi_control_rresp, s_axi_control_rvalid, s_axi_control_rready;
    uint64_t m_axi_gmem_araddr, m_axi_gmem_awaddr, m_axi_gmem_wstrb;
    uint32_t m_axi_gmem_rdata[16], m_axi_gmem_wdata[16];
    uint8_t m_axi_gmem_arlen, m_axi_gmem_arsize, m_axi_gmem_arburst;
    uint8_t m_axi_gmem_arvalid, m_axi_gmem_arready;
    uint8_t m_axi_gmem_rresp, m_axi_gmem_rlast, m_axi_gmem_rvalid, m_axi_gmem_rready;
    uint8_t m_axi_gmem_awlen, m_axi_gmem_awsize, m_axi_gmem_awburst;
    uint8_t m_axi_gmem_awvalid, m_axi_gmem_awready;
    uint8_t m_axi_gmem_wlast, m_axi_gmem_wvalid, m_axi_gmem_wready;
    uint8_t m_axi_gmem_bresp, m_axi_gmem_bvalid, m_axi_gmem_bready;
};

struct BunchKernel; /* one compute unit */

/* What a library has; it is found under the name "bunch_kernel_library". */
struct BunchKernelLibrary {
    uint32_t version; /* BUNCH_KERNEL_PINS_VERSION */
    uint32_t pins_bytes;
    struct BunchKernel* (*create)(void);
    void (*destroy)(struct BunchKernel* kernel);
    /* Takes the inputs from `pins`, lets the logic settle, puts the outputs there. */
    void (*eval)(struct BunchKernel* kernel, struct BunchKernelPins* pins);
};

#ifdef __cplusplus
}
#endif
