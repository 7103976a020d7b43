#include "bench/farm/http_get.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <string>
#include <thread>

namespace bunch::farm {
namespace {

using boost::asio::ip::tcp;
using testing::HasSubstr;

/// Answers one request on a free port of this machine, with what it was told to say.
class OneAnswer {
  public:
    explicit OneAnswer(std::string answer)
        : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
          thread_([this, answer = std::move(answer)] { serve(answer); }) {}

    std::string address() const {
        return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    const std::string& request() {
        thread_.join();
        return request_;
    }

  private:
    void serve(const std::string& answer) {
        tcp::socket peer = acceptor_.accept();
        boost::asio::read_until(peer, boost::asio::dynamic_buffer(request_), "\r\n\r\n");
        boost::asio::write(peer, boost::asio::buffer(answer));
    }

    boost::asio::io_context context_;
    tcp::acceptor acceptor_;
    std::string request_;
    std::jthread thread_;
};

TEST(HttpGet, ReturnsTheBodyOfThePageItAskedFor) {
    OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

    const auto body = http_get(server.address(), "/metrics");

    ASSERT_TRUE(body.ok()) << body.status().to_string();
    EXPECT_EQ(*body, "hello");
    EXPECT_THAT(server.request(), testing::StartsWith("GET /metrics HTTP/1.1\r\n"));
}

TEST(HttpGet, TakesAnyOtherStatusForUnavailable) {
    OneAnswer server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");

    const auto body = http_get(server.address(), "/readyz");

    EXPECT_EQ(body.status().code(), StatusCode::unavailable);
    EXPECT_THAT(body.status().message(), HasSubstr("503"));
}

TEST(HttpGet, NamesTheAddressWhereNobodyListens) {
    std::string address;
    {
        boost::asio::io_context context;
        const tcp::acceptor gone(context, {boost::asio::ip::address_v4::loopback(), 0});
        address = "127.0.0.1:" + std::to_string(gone.local_endpoint().port());
    }

    const auto body = http_get(address, "/metrics");

    EXPECT_EQ(body.status().code(), StatusCode::unavailable);
    EXPECT_THAT(body.status().message(), HasSubstr(address));
}

TEST(HttpGet, RefusesWhatIsNoAddress) {
    for (const char* address : {"", "localhost", "127.0.0.1:", "127.0.0.1:70000", "nonsense:80"})
        EXPECT_EQ(http_get(address, "/").status().code(), StatusCode::invalid_argument) << address;
}

}  // namespace
}  // namespace bunch::farm
