#include "backends/xrt/card_lock.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bunch::fpga {
namespace {

struct Address {
    sockaddr_un name{};
    socklen_t size = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

/// Abstract: its path begins with a zero byte.
Address address_of(const std::string& card) {
    const std::string path = "bunch-fpga/" + card;
    Address address;
    address.name.sun_family = AF_UNIX;
    const std::size_t length = std::min(path.size(), sizeof address.name.sun_path - 1);
    std::memcpy(address.name.sun_path + 1, path.data(), length);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    return address;
}

/// The process that listens there.
std::string holder_of(const Address& address) {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ucred peer{};
    socklen_t size = sizeof peer;
    if (!socket.valid() || ::connect(socket.get(), address.get(), address.size) != 0 ||
        ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return "another process";
    return "process " + std::to_string(peer.pid);
}

}  // namespace

Result<CardLock> CardLock::acquire(const std::string& card) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address address = address_of(card);
    if (socket.valid() && ::bind(socket.get(), address.get(), address.size) == 0 &&
        ::listen(socket.get(), 1) == 0)
        return CardLock(std::move(socket));
    if (errno == EADDRINUSE)
        return unavailable("the card is in use by " + holder_of(address) + ", a runner of bunchd");
    return unavailable(std::string("the card cannot be locked: ") + std::strerror(errno));
}

}  // namespace bunch::fpga
