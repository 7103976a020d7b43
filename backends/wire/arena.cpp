#include "backends/wire/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bunch {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 46;

Status failed(const std::string& what) {
    return resource_exhausted(what + ": " + std::strerror(errno));
}

}  // namespace

Result<Arena> Arena::create(const std::string& name, std::uint64_t bytes) {
    if (bytes == 0 || bytes > kMaxBytes) {
        return invalid_argument("an arena of " + std::to_string(bytes) +
                                " bytes: must be above 0 and at most 64 TiB");
    }
    const std::uint64_t size = (bytes + kPage - 1) / kPage * kPage;
    UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const std::string what = "cannot make an arena of " + std::to_string(size) + " bytes";
    if (!fd.valid() || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0 ||
        ::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0)
        return failed(what);
    return map(std::move(fd), size);
}

Result<Arena> Arena::attach(UniqueFd fd, std::uint64_t bytes) {
    const int seals = ::fcntl(fd.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals)
        return invalid_argument("the arena is no memfd that is sealed against resizing");
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return failed("cannot read the size of the arena");
    if (bytes == 0 || static_cast<std::uint64_t>(info.st_size) != bytes) {
        return invalid_argument("the arena has " + std::to_string(info.st_size) +
                                " bytes, the message says " + std::to_string(bytes));
    }
    return map(std::move(fd), bytes);
}

Result<Arena> Arena::map(UniqueFd fd, std::uint64_t bytes) {
    void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (data == MAP_FAILED) return failed("cannot map " + std::to_string(bytes) + " bytes");
    return Arena(std::move(fd), static_cast<std::byte*>(data), bytes);
}

Arena::Arena(Arena&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Arena::~Arena() {
    if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace bunch
