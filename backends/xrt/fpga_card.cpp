#include "backends/xrt/fpga_card.h"

#include <algorithm>
#include <thread>

#include "backends/xrt/driver_error.h"
#include "backends/xrt/sensors.h"

namespace bunch::fpga {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstPause = 50ms;
constexpr Duration kLongestPause = 1s;

::xrt::device open_device(const std::string& card) {
    const bool index = card.find(':') == std::string::npos;
    return index ? ::xrt::device(static_cast<unsigned>(std::stoul(card))) : ::xrt::device(card);
}

/// One answer of XRT, or `fallback` where it has none.
template <::xrt::info::device what, typename Value>
Value ask(const ::xrt::device& handle, Value fallback) {
    static_cast<void>(tried([&] { fallback = static_cast<Value>(handle.get_info<what>()); }));
    return fallback;
}

std::string as_name(std::string text) {
    for (char& c : text)
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '_' || c == '-' || c == '.'))
            c = '_';
    return text.empty() ? "card" : text;
}

}  // namespace

Result<FpgaCard> FpgaCard::open(const XrtOptions& options) {
    ::xrt::device handle;
    if (const auto error = tried([&] { handle = open_device(options.card); }))
        return unavailable("FPGA card " + options.card + " cannot be opened: " + error->text +
                           " (is the card in, its driver loaded, and XILINX_XRT set? 'bunch "
                           "doctor' looks; 'xbutil examine' lists the cards)");
    FpgaCard card(options, std::move(handle));
    card.name_.option = options.card;
    card.name_.bdf = ask<::xrt::info::device::bdf>(card.handle_, std::string());
    card.model_ = as_name(ask<::xrt::info::device::name>(card.handle_, std::string()));
    return card;
}

::xrt::device FpgaCard::open_handle() const {
    return open_device(options_.card);
}

std::optional<DeviceFault> FpgaCard::configure(::xrt::device& handle,
                                               const FpgaModel& model) const {
    const std::string& path = model.manifest.xclbin;
    const TimePoint give_up = now() + options_.busy_timeout;
    for (Duration pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
        std::string loaded;
        const auto error = tried([&] {
            static_cast<void>(
                handle.load_xclbin(reinterpret_cast<const axlf*>(model.file->data())));
            loaded = handle.get_xclbin_uuid().to_string();
        });
        if (!error && loaded == model.image) return std::nullopt;
        const FaultKind kind =
            error ? fault_of_errno(error->error, FaultKind::load_failed) : FaultKind::busy;
        const bool waits = kind == FaultKind::busy && now() + pause < give_up;
        if (!waits) {
            const std::string seen = error ? "'" + path + "' cannot be loaded: " + error->text
                                           : "'" + path + "' (" + model.image +
                                                 ") was loaded, but the card holds " + loaded;
            return describe_fault(kind, name_, seen);
        }
        std::this_thread::sleep_for(pause);
    }
}

DeviceReadings FpgaCard::readings() const {
    DeviceReadings readings;
    readings.celsius = celsius_in(ask<::xrt::info::device::thermal>(handle_, std::string()));
    readings.watts = watts_in(ask<::xrt::info::device::electrical>(handle_, std::string()));
    const auto mhz = ask<::xrt::info::device::max_clock_frequency_mhz>(handle_, 0.0);
    if (mhz > 0) readings.hertz = mhz * 1e6;
    return readings;
}

}  // namespace bunch::fpga
