#include "muon/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace bunch::muon {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr const char* kClearLine = "\r\033[K";

}  // namespace

Progress::Progress(std::string what)
    : terminal_(isatty(STDERR_FILENO) == 1), what_(std::move(what)) {
    update(0, "");
}

void Progress::update(double fraction, const std::string& so_far) {
    const double clamped = std::clamp(fraction, 0.0, 1.0);
    if (!terminal_) {
        const int tenth = static_cast<int>(10 * clamped);
        if (tenth > last_tenth_ && tenth < 10)
            fmt::print(stderr, "{:<40} {:3.0f} % {}\n", what_, 100 * clamped, so_far);
        last_tenth_ = std::max(tenth, last_tenth_);
        return;
    }
    const auto full = static_cast<std::size_t>(clamped * static_cast<double>(kBarWidth));
    fmt::print(stderr, "{}{:<40} [{}{}] {:3.0f} % {}", kClearLine, what_, std::string(full, '#'),
               std::string(kBarWidth - full, '.'), 100 * clamped, so_far);
    std::fflush(stderr);
}

void Progress::end(const std::string& outcome) {
    fmt::print(stderr, "{}{:<40} {}\n", terminal_ ? kClearLine : "", what_, outcome);
    std::fflush(stderr);
}

}  // namespace bunch::muon
