#include "backends/wire/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/check.h"

namespace bunch {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(kMaxMessageFds * sizeof(int));

Status system_error(const char* what, int error) {
    return internal_error(std::string(what) + ": " + std::strerror(error));
}

// Takes ownership of every descriptor that came, whether or not the message is good.
void take_descriptors(msghdr& header, Packet& into) {
    into.fd_count = 0;
    for (UniqueFd& fd : into.fds) fd.reset();
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            UniqueFd owned(fd);
            if (into.fd_count < kMaxMessageFds) into.fds[into.fd_count++] = std::move(owned);
        }
    }
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return system_error("cannot make a socket pair for a runner", errno);
    return std::pair<Channel, Channel>(Channel(UniqueFd(fds[0])), Channel(UniqueFd(fds[1])));
}

Status Channel::send(std::span<const std::byte> message, std::span<const int> descriptors) {
    BUNCH_CHECK(descriptors.size() <= kMaxMessageFds && !message.empty());
    if (message.size() > kMaxPacketBytes) {
        return invalid_argument("a message of " + std::to_string(message.size()) +
                                " bytes is above the limit of " + std::to_string(kMaxPacketBytes));
    }
    iovec part{const_cast<std::byte*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, kControlBytes> control{};
    if (!descriptors.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(c), descriptors.data(), descriptors.size_bytes());
    }
    while (::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno == EINTR) continue;
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return unavailable("the other end of the channel is gone");
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
            return resource_exhausted("the channel is full: the other end does not read");
        return system_error("cannot send a message", errno);
    }
    return ok_status();
}

Result<Received> Channel::receive(Packet& into, bool wait) {
    into.buffer.resize(kMaxPacketBytes);
    into.size = 0;
    iovec part{into.buffer.data(), into.buffer.size()};
    alignas(cmsghdr) std::array<char, kControlBytes> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t size = 0;
    do {
        size = ::recvmsg(fd_.get(), &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return Received::nothing;
        if (errno == ECONNRESET) return Received::closed;
        return system_error("cannot receive a message", errno);
    }
    take_descriptors(header, into);
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return invalid_argument("a message was longer, or carried more descriptors, than any may");
    if (size == 0) return Received::closed;
    into.size = static_cast<std::size_t>(size);
    return Received::message;
}

void Channel::shut_down() {
    if (fd_.valid()) ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace bunch
