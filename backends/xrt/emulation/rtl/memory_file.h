/// A file without a name, of which a path leads to its bytes as long as it lives: for readers that
/// only take paths.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace bunch::emulation {

class MemoryFile {
  public:
    explicit MemoryFile(std::span<const std::byte> bytes);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    /// False: there was no memory for it; errno says why.
    bool complete() const { return complete_; }
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  private:
    int fd_;
    bool complete_ = false;
};

}  // namespace bunch::emulation
