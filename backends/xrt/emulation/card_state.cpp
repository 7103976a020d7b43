#include "backends/xrt/emulation/card_state.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace bunch::emulation {
namespace {

constexpr std::size_t kMostUsers = 16;

bool is_alive(std::int32_t process) {
    return process != 0 && (::kill(process, 0) == 0 || errno == EPERM);
}

/// What is written by more than one step is written under this.
class FileLock {
  public:
    explicit FileLock(int fd) : fd_(fd) { ::flock(fd_, LOCK_EX); }
    ~FileLock() { ::flock(fd_, LOCK_UN); }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

  private:
    int fd_;
};

}  // namespace

struct CardState::Shared {
    CardFaults faults;
    fpga::Uuid design;                                          // under the lock, as are
    std::array<std::atomic<std::int32_t>, kMostUsers> users{};  // processes with contexts
};

Result<std::unique_ptr<CardState>> CardState::open(const std::string& path) {
    const int fd = path.empty() ? ::memfd_create("emulated-card", MFD_CLOEXEC)
                                : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat info {};
    if (fd < 0 || ::fstat(fd, &info) != 0 ||
        (info.st_size < static_cast<off_t>(sizeof(Shared)) && ::ftruncate(fd, sizeof(Shared)))) {
        const std::string reason = std::strerror(errno);
        if (fd >= 0) ::close(fd);
        return not_found("the state of the emulated card, " + path + ": " + reason);
    }
    void* const mapped = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        ::close(fd);
        return not_found("the state of the emulated card, " + path + " cannot be mapped");
    }
    // The bytes are those of a Shared already, or zeros, which are one, too.
    return std::unique_ptr<CardState>(
        new CardState(fd, std::launder(static_cast<Shared*>(mapped))));
}

CardState::~CardState() {
    ::munmap(shared_, sizeof(Shared));
    ::close(fd_);
}

CardFaults& CardState::faults() const {
    return shared_->faults;
}

int CardState::health() const {
    CardFaults& faults = shared_->faults;
    const std::int32_t hung = faults.hung_process.load(std::memory_order_relaxed);
    if (hung != 0 && hung != ::getpid() && !is_alive(hung)) faults.board = Board::dead;
    switch (faults.board.load(std::memory_order_relaxed)) {
        case Board::dead:
            return -EDEADLK;
        case Board::gone:
            return -ENODEV;
        case Board::well:
            break;
    }
    return 0;
}

void CardState::reset() const {
    const FileLock lock(fd_);
    CardFaults& faults = shared_->faults;
    faults.hung_process = 0;
    faults.hanging_units = 0;
    faults.failing_runs = faults.failing_loads = faults.busy_loads = 0;
    faults.taken_bytes = 0;
    shared_->design = {};
    for (auto& user : shared_->users) user = 0;
    faults.board = Board::well;
}

fpga::Uuid CardState::design() const {
    const FileLock lock(fd_);
    return shared_->design;
}

bool CardState::is_used_by_others() const {
    for (auto& user : shared_->users) {
        if (user == ::getpid()) continue;
        if (is_alive(user)) return true;
        user = 0;
    }
    return false;
}

int CardState::set_design(const fpga::Uuid& uuid, bool own_contexts) const {
    const FileLock lock(fd_);
    if (shared_->design == uuid) return 0;
    if (own_contexts || is_used_by_others()) return -EBUSY;
    shared_->design = uuid;
    shared_->faults.loads.fetch_add(1);
    return 1;
}

int CardState::use(const fpga::Uuid& uuid) const {
    const FileLock lock(fd_);
    if (shared_->design != uuid) return -EBUSY;
    std::atomic<std::int32_t>* free = nullptr;
    for (auto& user : shared_->users) {
        if (user == ::getpid()) return 0;
        if (free == nullptr && !is_alive(user)) free = &user;
    }
    if (free == nullptr) return -EBUSY;
    *free = ::getpid();
    return 0;
}

void CardState::leave() const {
    const FileLock lock(fd_);
    for (auto& user : shared_->users)
        if (user == ::getpid()) user = 0;
}

}  // namespace bunch::emulation
