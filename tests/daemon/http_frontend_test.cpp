#include "daemon/http_frontend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <vector>

namespace bunch {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class HttpFrontendTest : public testing::Test {
  protected:
    HttpFrontendTest() {
        HttpHandlers handlers;
        handlers.metrics = [] { return std::string("bunch_open_calls 7\n"); };
        handlers.health = [this] { return Health{alive_, {}}; };
        handlers.ready = [this]() -> Health {
            if (ready_) return {true, {}};
            return {false, {"device cpu0 is starting", "model m is loading"}};
        };
        auto opened = HttpFrontend::open("127.0.0.1:0", std::move(handlers));
        EXPECT_TRUE(opened.ok()) << opened.status().to_string();
        frontend_ = std::move(opened).value();
    }

    tcp::socket connect() {
        tcp::socket socket(context_);
        socket.connect({asio::ip::make_address("127.0.0.1"), frontend_->port()});
        return socket;
    }

    /// What comes back until the server closes.
    std::string exchange(const std::string& request) {
        tcp::socket socket = connect();
        boost::system::error_code error;
        asio::write(socket, asio::buffer(request), error);
        std::string answer;
        asio::read(socket, asio::dynamic_buffer(answer), error);
        return answer;
    }

    std::string get(const std::string& target) {
        return exchange("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }

    std::atomic<bool> alive_ = true;
    std::atomic<bool> ready_ = true;
    asio::io_context context_;
    std::unique_ptr<HttpFrontend> frontend_;
};

TEST_F(HttpFrontendTest, ServesMetricsInTheTextFormatOfPrometheus) {
    EXPECT_THAT(get("/metrics"),
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                      HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                      EndsWith("\r\n\r\nbunch_open_calls 7\n")));
}

TEST_F(HttpFrontendTest, TellsWhetherTheProcessIsAlive) {
    EXPECT_THAT(get("/healthz"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nok\n")));
    alive_ = false;
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HttpFrontendTest, TellsOnePerLineWhyItIsNotReady) {
    EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 "));
    ready_ = false;
    EXPECT_THAT(get("/readyz"),
                AllOf(StartsWith("HTTP/1.1 503 "),
                      EndsWith("\r\n\r\ndevice cpu0 is starting\nmodel m is loading\n")));
}

TEST_F(HttpFrontendTest, LinksItsPagesAndIgnoresQueries) {
    EXPECT_THAT(get("/"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("href=\"/metrics\"")));
    EXPECT_THAT(get("/healthz?verbose=1"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpFrontendTest, KnowsNoOtherPages) {
    EXPECT_THAT(get("/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(get("/metrics/"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(HttpFrontendTest, RefusesOtherMethodsAndNamesItsOwn) {
    EXPECT_THAT(exchange("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
}

TEST_F(HttpFrontendTest, AnswersHeadWithoutABody) {
    EXPECT_THAT(exchange("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                AllOf(HasSubstr("Content-Length: 19\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(HttpFrontendTest, AnswersSeveralRequestsOnOneConnection) {
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string last = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    const std::string answers = exchange(request + request + last);

    EXPECT_THAT(answers, EndsWith("\r\n\r\nbunch_open_calls 7\n"));
    std::size_t count = 0;
    for (auto at = answers.find("HTTP/1.1 200 OK"); at != std::string::npos; ++count)
        at = answers.find("HTTP/1.1 200 OK", at + 1);
    EXPECT_EQ(count, 3u);
}

TEST_F(HttpFrontendTest, RefusesOversizedAndBrokenHeaders) {
    EXPECT_THAT(exchange("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(exchange("GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n\r\n"),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(exchange("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(exchange("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
                StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpFrontendTest, RefusesBodiesThatAreTooLarge) {
    EXPECT_THAT(exchange("GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"),
                StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpFrontendTest, AnswersWhileOthersStallInTheirHeaders) {
    std::vector<tcp::socket> stalled;
    for (int i = 0; i < 70; ++i) {
        stalled.push_back(connect());
        asio::write(stalled.back(), asio::buffer(std::string("GET /healthz HTTP/1.1\r\nX: ")));
    }

    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpFrontendTest, GivesUpTheLongestQuietConnectionWhenThereAreTooMany) {
    std::vector<tcp::socket> silent;
    for (int i = 0; i < 300; ++i) silent.push_back(connect());

    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
    boost::system::error_code error;
    char byte = 0;
    silent.front().read_some(asio::buffer(&byte, 1), error);
    EXPECT_EQ(error, asio::error::eof);
}

TEST_F(HttpFrontendTest, SurvivesClientsThatLeaveInTheMiddle) {
    for (int i = 0; i < 200; ++i) {
        tcp::socket socket = connect();
        socket.set_option(asio::socket_base::linger(true, 0));  // closing resets the connection
        asio::write(socket, asio::buffer(std::string("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")));
    }

    EXPECT_THAT(get("/metrics"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpFrontendTest, SaysThatItsPortIsInUse) {
    const std::string address = "127.0.0.1:" + std::to_string(frontend_->port());

    const auto second = HttpFrontend::open(address, {});

    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.status().code(), StatusCode::unavailable);
    EXPECT_EQ(second.status().message(),
              "http_address " + address +
                  " cannot be listened on: Address already in use (choose another, or stop what "
                  "listens there)");
}

TEST(HttpFrontend, RefusesWhatIsNoAddress) {
    for (const char* address :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "example:1", "::1:x"}) {
        const auto opened = HttpFrontend::open(address, {});
        ASSERT_FALSE(opened.ok()) << address;
        EXPECT_EQ(opened.status().code(), StatusCode::invalid_argument) << address;
    }
}

TEST_F(HttpFrontendTest, EndsWhileClientsAreConnected) {
    const tcp::socket waiting = connect();
    EXPECT_THAT(get("/healthz"), Not(IsEmpty()));

    frontend_.reset();
}

}  // namespace
}  // namespace bunch
