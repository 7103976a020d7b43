#include "backends/xrt/emulation/rtl/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace bunch::emulation {

MemoryFile::MemoryFile(std::span<const std::byte> bytes)
    : fd_(::memfd_create("bunch", MFD_CLOEXEC)) {
    while (fd_ >= 0 && !bytes.empty()) {
        const ssize_t wrote = ::write(fd_, bytes.data(), bytes.size());
        if (wrote < 0 && errno != EINTR) return;
        if (wrote > 0) bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
    complete_ = fd_ >= 0;
}

MemoryFile::~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace bunch::emulation
