#include "backends/xrt/fault_text.h"

#include <cerrno>

namespace bunch::fpga {
namespace {

std::string remedy(FaultKind kind, const std::string& device) {
    switch (kind) {
        case FaultKind::hang:
            return "the card has to be reset: end all that uses it, then 'xbutil reset --device " +
                   device +
                   "' as root (a warm reboot if that fails). If a call may take that long, raise "
                   "time_limit in the manifest";
        case FaultKind::call_failed:
            return "a wrong layout or argument in the manifest, or a firewall trip: 'xbutil "
                   "examine "
                   "--device " +
                   device + " --report firewall' and dmesg tell which";
        case FaultKind::dead:
            return "the driver refuses all work after a unit hung, until somebody runs 'xbutil "
                   "reset --device " +
                   device + "' as root (a warm reboot if that fails)";
        case FaultKind::gone:
            return "it is not on the PCI bus: 'lspci -d 10ee:' should list it; check its power and "
                   "seat, then 'xbutil reset --device " +
                   device + "' or power the host off and on";
        case FaultKind::load_failed:
            return "compare the platforms that 'bunch xclbin inspect' and 'xbutil examine "
                   "--device " +
                   device + "' tell, and look for xclbin in dmesg";
        case FaultKind::memory_full:
            return "lower max_rows in the manifest or slots of the device, or end what else uses "
                   "the card's memory: 'xbutil examine --device " +
                   device + " --report memory'";
        case FaultKind::busy:
            return "another process uses the card with another design: 'xbutil examine --device " +
                   device +
                   " --report dynamic-regions' and 'fuser -v /dev/dri/renderD*' tell which; end "
                   "it, "
                   "or give bunchd a card of its own";
    }
    return "see docs/FPGA.md";
}

}  // namespace

DeviceFault describe_fault(FaultKind kind, const CardName& card, const std::string& seen) {
    const std::string device = card.bdf.empty() ? card.option : card.bdf;
    DeviceFault fault;
    fault.kind = kind;
    fault.ends_runner = kind != FaultKind::call_failed && kind != FaultKind::memory_full;
    fault.message = "card " + card.option + (card.bdf.empty() ? "" : " (" + card.bdf + ")") + ": " +
                    seen + "; " + remedy(kind, device);
    return fault;
}

FaultKind fault_of_errno(int error, FaultKind otherwise) {
    switch (error) {
        case EDEADLK:
            return FaultKind::dead;
        case ENODEV:
        case ENXIO:
            return FaultKind::gone;
        case EBUSY:
        case EPERM:
            return FaultKind::busy;
        case ENOMEM:
            return FaultKind::memory_full;
        default:
            return otherwise;
    }
}

}  // namespace bunch::fpga
