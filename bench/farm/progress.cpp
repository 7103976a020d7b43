#include "bench/farm/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace bunch::farm {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr const char* kClearLine = "\r\033[K";

}  // namespace

Progress::Progress(std::size_t steps) : terminal_(isatty(STDERR_FILENO) == 1), steps_(steps) {}

void Progress::begin(const std::string& what) {
    what_ = fmt::format("[{:>2}/{}] {:<46}", ++step_, steps_, what);
    if (terminal_) update(0, "");
}

void Progress::update(double fraction, const std::string& so_far) {
    if (!terminal_) return;
    const double clamped = std::clamp(fraction, 0.0, 1.0);
    const auto full = static_cast<std::size_t>(clamped * static_cast<double>(kBarWidth));
    fmt::print(stderr, "{}{} [{}{}] {:3.0f} % {}", kClearLine, what_, std::string(full, '#'),
               std::string(kBarWidth - full, '.'), 100 * clamped, so_far);
    std::fflush(stderr);
}

void Progress::end(const std::string& outcome) {
    fmt::print(stderr, "{}{} {}\n", terminal_ ? kClearLine : "", what_, outcome);
    std::fflush(stderr);
}

}  // namespace bunch::farm
