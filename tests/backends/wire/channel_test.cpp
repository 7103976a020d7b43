#include "backends/wire/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

namespace bunch {
namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string text_of(const Packet& packet) {
    return {reinterpret_cast<const char*>(packet.bytes().data()), packet.size};
}

std::ptrdiff_t open_descriptors() {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
}

class ChannelTest : public testing::Test {
  protected:
    void SetUp() override {
        auto ends = Channel::pair();
        ASSERT_TRUE(ends.ok());
        near_ = std::move(ends->first);
        far_ = std::move(ends->second);
    }

    Received receive(Channel& channel) {
        const auto received = channel.receive(packet_);
        EXPECT_TRUE(received.ok()) << received.status().to_string();
        return received.ok() ? *received : Received::closed;
    }

    Channel near_;
    Channel far_;
    Packet packet_;
};

TEST_F(ChannelTest, KeepsMessagesApart) {
    ASSERT_TRUE(near_.send(bytes_of("first")).ok());
    ASSERT_TRUE(near_.send(bytes_of("the second")).ok());

    ASSERT_EQ(receive(far_), Received::message);
    EXPECT_EQ(text_of(packet_), "first");
    ASSERT_EQ(receive(far_), Received::message);
    EXPECT_EQ(text_of(packet_), "the second");
    EXPECT_EQ(receive(far_), Received::nothing);
}

TEST_F(ChannelTest, CarriesDescriptors) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const UniqueFd reading(pipe[0]);
    UniqueFd writing(pipe[1]);
    const int sent[] = {writing.get()};

    ASSERT_TRUE(near_.send(bytes_of("a pipe"), sent).ok());
    ASSERT_EQ(receive(far_), Received::message);

    ASSERT_EQ(packet_.fd_count, 1u);
    ASSERT_EQ(::write(packet_.fds[0].get(), "x", 1), 1);
    char read = 0;
    EXPECT_EQ(::read(reading.get(), &read, 1), 1);
    EXPECT_EQ(read, 'x');
}

TEST_F(ChannelTest, ClosesDescriptorsThatNobodyTook) {
    const int sent[] = {near_.fd(), near_.fd()};
    const auto before = open_descriptors();

    ASSERT_TRUE(near_.send(bytes_of("two"), sent).ok());
    ASSERT_EQ(receive(far_), Received::message);
    EXPECT_EQ(open_descriptors(), before + 2);
    EXPECT_EQ(receive(far_), Received::nothing);
    ASSERT_TRUE(near_.send(bytes_of("none")).ok());
    ASSERT_EQ(receive(far_), Received::message);

    EXPECT_EQ(packet_.fd_count, 0u);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChannelTest, RefusesMoreDescriptorsThanAnyMessageHas) {
    std::byte byte{};
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(9 * sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(9 * sizeof(int));
    for (std::size_t i = 0; i < 9; ++i) {
        const int fd = near_.fd();
        std::memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof fd);
    }
    ASSERT_EQ(::sendmsg(near_.fd(), &header, 0), 1);

    EXPECT_EQ(far_.receive(packet_).status().code(), StatusCode::invalid_argument);
}

TEST_F(ChannelTest, SeesTheEndOfTheOtherSide) {
    ASSERT_TRUE(near_.send(bytes_of("last words")).ok());
    near_.close();

    EXPECT_EQ(receive(far_), Received::message);
    EXPECT_EQ(receive(far_), Received::closed);
    EXPECT_EQ(far_.send(bytes_of("hello?")).code(), StatusCode::unavailable);
}

TEST_F(ChannelTest, NeverBlocksOnAReaderThatDoesNotRead) {
    const std::vector<std::byte> large(kMaxPacketBytes);
    Status status;
    for (int i = 0; i < 1000 && status.ok(); ++i) status = near_.send(large);

    EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
}

TEST_F(ChannelTest, RefusesALongMessageInBothDirections) {
    const std::vector<std::byte> too_long(kMaxPacketBytes + 1);

    EXPECT_EQ(near_.send(too_long).code(), StatusCode::invalid_argument);
    ASSERT_EQ(::send(near_.fd(), too_long.data(), too_long.size(), 0),
              static_cast<ssize_t>(too_long.size()));
    EXPECT_EQ(far_.receive(packet_).status().code(), StatusCode::invalid_argument);
}

TEST_F(ChannelTest, WakesAReaderThatWaitsWhenItIsShutDown) {
    std::thread reader([this] {
        Packet packet;
        const auto received = far_.receive_blocking(packet);
        EXPECT_TRUE(received.ok() && *received == Received::closed);
    });
    far_.shut_down();
    reader.join();
}

}  // namespace
}  // namespace bunch
