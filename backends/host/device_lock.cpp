#include "backends/host/device_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bunch {
namespace {

std::string holder_in(int fd) {
    std::array<char, 32> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
    const std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return pid.empty() ? "another process" : "process " + pid.substr(0, pid.find('\n'));
}

}  // namespace

Result<DeviceLock> DeviceLock::acquire(const std::string& state_dir, const std::string& device) {
    const std::string path = state_dir + "/" + device + ".lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd.valid()) {
        return unavailable("cannot open the lock file '" + path + "' of '" + device +
                           "': " + std::strerror(errno) +
                           " (its folder must be writable for the user that bunchd runs as)");
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        return unavailable("'" + device + "' is in use by " + holder_in(fd.get()) +
                           ", which holds '" + path + "': stop that bunchd first");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    // Only for the sentence above: a lock without a readable holder locks as well.
    if (::ftruncate(fd.get(), 0) == 0)
        static_cast<void>(!::write(fd.get(), pid.data(), pid.size()));
    return DeviceLock(std::move(fd));
}

}  // namespace bunch
