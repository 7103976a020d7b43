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
    if (!terminal_) return;
    const double clamped = std::clamp(fraction, 0.0, 1.0);
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
