#include "bench/farm/http_get.h"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <chrono>

namespace bunch::farm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto kPatience = std::chrono::seconds(5);

/// The steps of one exchange, each of which starts the next one; timeouts of beast::tcp_stream
/// work for asynchronous operations only.
struct Exchange {
    explicit Exchange(asio::io_context& context) : stream(context) {}

    void start(const asio::ip::tcp::endpoint& peer) {
        stream.expires_after(kPatience);
        stream.async_connect(peer, [this](beast::error_code failed) {
            if ((error = failed)) return;
            http::async_write(stream, request, [this](beast::error_code broken, std::size_t) {
                if ((error = broken)) return;
                http::async_read(stream, buffer, response,
                                 [this](beast::error_code end, std::size_t) { error = end; });
            });
        });
    }

    beast::tcp_stream stream;
    http::request<http::empty_body> request;
    http::response<http::string_body> response;
    beast::flat_buffer buffer;
    beast::error_code error;
};

}  // namespace

Result<std::string> http_get(const std::string& address, const std::string& path) {
    const std::string url = "http://" + address + path;
    const std::size_t colon = address.rfind(':');
    beast::error_code error;
    const auto host = asio::ip::make_address(address.substr(0, colon), error);
    const int port = colon == std::string::npos ? 0 : std::atoi(address.c_str() + colon + 1);
    if (error || port <= 0 || port > 65535)
        return invalid_argument("'" + address + "' is no address such as 127.0.0.1:8765");

    asio::io_context context;
    Exchange exchange(context);
    exchange.request = {http::verb::get, path, 11};
    exchange.request.set(http::field::host, address);
    exchange.request.set(http::field::connection, "close");
    exchange.start({host, static_cast<std::uint16_t>(port)});
    context.run();
    if (exchange.error) return unavailable(url + ": " + exchange.error.message());
    if (exchange.response.result() != http::status::ok)
        return unavailable(url + " answers " + std::to_string(exchange.response.result_int()));
    return std::move(exchange.response.body());
}

}  // namespace bunch::farm
