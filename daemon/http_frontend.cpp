#include "daemon/http_frontend.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <list>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "monitoring/log.h"

namespace bunch {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t kMaxConnections = 128;
constexpr std::size_t kMaxHeaderBytes = 8 * 1024;
constexpr std::uint64_t kMaxBodyBytes = 64 * 1024;  // of a request: none is of any use here
constexpr auto kReadTime = 10s;                     // for a whole header, idle time before included
constexpr auto kWriteTime = 10s;
constexpr auto kLingerTime = 1s;
constexpr auto kAcceptPause = 100ms;

constexpr std::string_view kIndex = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>bunchd</title></head><body><h1>bunchd</h1><ul>
<li><a href="/metrics">/metrics</a> for Prometheus</li>
<li><a href="/healthz">/healthz</a>: the process is alive</li>
<li><a href="/readyz">/readyz</a>: it takes work, or why not</li>
</ul></body></html>
)";

constexpr const char* kPlain = "text/plain; charset=utf-8";

struct Reply {
    http::status status = http::status::ok;
    std::string body;
    const char* type = kPlain;
};

Reply reply_of(const Health& health) {
    Reply reply{health.ok ? http::status::ok : http::status::service_unavailable, {}, kPlain};
    if (health.ok) reply.body = "ok\n";
    for (const std::string& reason : health.reasons) reply.body += reason + '\n';
    return reply;
}

Reply reply_to(http::verb method, std::string_view target, const HttpHandlers& handlers) {
    if (method != http::verb::get && method != http::verb::head)
        return {http::status::method_not_allowed, "only GET and HEAD\n", kPlain};
    const std::string_view path = target.substr(0, target.find('?'));
    if (path == "/metrics")
        return {http::status::ok, handlers.metrics(), "text/plain; version=0.0.4; charset=utf-8"};
    if (path == "/healthz") return reply_of(handlers.health());
    if (path == "/readyz") return reply_of(handlers.ready());
    if (path == "/") return {http::status::ok, std::string(kIndex), "text/html; charset=utf-8"};
    return {http::status::not_found, "there are /metrics, /healthz and /readyz\n", kPlain};
}

Reply reply_to_broken_request(const error_code& error) {
    if (error == http::error::header_limit)
        return {http::status::request_header_fields_too_large, "the header is too large\n", kPlain};
    if (error == http::error::body_limit)
        return {http::status::payload_too_large, "the body is too large\n", kPlain};
    return {http::status::bad_request, error.message() + '\n', kPlain};
}

class Session;

/// The open connections, the longest quiet first. Used by the frontend's thread only.
using Sessions = std::list<Session*>;

/// One connection. Keeps itself alive: each operation under way owns a reference, and the session
/// goes with the last of them. That is what shared_ptr is for here.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, const HttpHandlers& handlers, Sessions& sessions)
        : stream_(std::move(socket)), handlers_(handlers), sessions_(sessions) {
        place_ = sessions_.insert(sessions_.end(), this);
    }
    ~Session() { sessions_.erase(place_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void read() {
        parser_.emplace();
        parser_->header_limit(kMaxHeaderBytes);
        parser_->body_limit(kMaxBodyBytes);
        stream_.expires_after(kReadTime);
        http::async_read_header(stream_, buffer_, *parser_,
                                [self = shared_from_this()](const error_code& error, std::size_t) {
                                    self->on_read(error);
                                });
    }

    /// Ends what is under way, so that the session goes.
    void close() { stream_.cancel(); }

  private:
    void on_read(const error_code& error) {
        sessions_.splice(sessions_.end(), sessions_, place_);
        if (!error) return answer();
        const bool is_protocol_error =
            error.category() == http::make_error_code(http::error::bad_method).category();
        if (!is_protocol_error || error == http::error::end_of_stream ||
            error == http::error::partial_message)
            return;
        write(reply_to_broken_request(error), 11, false, false);
    }

    void answer() {
        const auto& request = parser_->get();
        const auto target = request.target();
        // A body is not read, so the next request could not be found behind it.
        const bool keep_alive = request.keep_alive() && parser_->is_done();
        write(reply_to(request.method(), {target.data(), target.size()}, handlers_),
              request.version(), keep_alive, request.method() == http::verb::head);
    }

    void write(Reply reply, unsigned version, bool keep_alive, bool header_only) {
        response_.emplace(reply.status, version);
        response_->set(http::field::content_type, reply.type);
        response_->set(http::field::cache_control, "no-store");
        if (reply.status == http::status::method_not_allowed)
            response_->set(http::field::allow, "GET, HEAD");
        response_->keep_alive(keep_alive);
        response_->body() = std::move(reply.body);
        response_->prepare_payload();
        serializer_.emplace(*response_);
        stream_.expires_after(kWriteTime);
        auto then = [self = shared_from_this(), keep_alive](const error_code& error, std::size_t) {
            self->on_written(error, keep_alive);
        };
        if (header_only) {
            http::async_write_header(stream_, *serializer_, std::move(then));
        } else {
            http::async_write(stream_, *serializer_, std::move(then));
        }
    }

    void on_written(const error_code& error, bool keep_alive) {
        if (error) return;
        if (keep_alive) return read();
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(kLingerTime);
        linger();
    }

    /// Reads what the client still sends: closing at once would reset the connection, and with it
    /// the answer. For a second at most.
    void linger() {
        stream_.async_read_some(asio::buffer(discarded_),
                                [self = shared_from_this()](const error_code& error, std::size_t) {
                                    if (!error) self->linger();
                                });
    }

    beast::tcp_stream stream_;
    const HttpHandlers& handlers_;
    Sessions& sessions_;
    Sessions::iterator place_;
    beast::flat_static_buffer<kMaxHeaderBytes + 1024> buffer_;
    std::optional<http::request_parser<http::empty_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
    std::array<char, 4096> discarded_{};
};

Result<tcp::endpoint> parse_address(const std::string& address) {
    const Status wrong = invalid_argument("http_address \"" + address +
                                          "\" is no address (write \"127.0.0.1:8765\")");
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return wrong;
    std::string host = address.substr(0, colon);
    if (host == "localhost") host = "127.0.0.1";
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    error_code error;
    const asio::ip::address ip = asio::ip::make_address(host, error);
    std::uint16_t port = 0;
    const char* end = address.data() + address.size();
    const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
    if (error || parsed.ec != std::errc() || parsed.ptr != end) return wrong;
    return tcp::endpoint(ip, port);
}

}  // namespace

struct HttpFrontend::Server {
    explicit Server(HttpHandlers given) : handlers(std::move(given)) {}

    Status listen(const tcp::endpoint& endpoint) {
        error_code error;
        acceptor.open(endpoint.protocol(), error);
        if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor.bind(endpoint, error);
        if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (!error) port = acceptor.local_endpoint(error).port();
        return error ? unavailable(error.message()) : ok_status();
    }

    void accept() {
        acceptor.async_accept([this](const error_code& error, tcp::socket socket) {
            if (error) return pause(error);
            if (sessions.size() >= kMaxConnections) sessions.front()->close();
            std::make_shared<Session>(std::move(socket), handlers, sessions)->read();
            accept();
        });
    }

    /// Out of descriptors, most likely: trying again at once would only spin.
    void pause(const error_code& error) {
        if (!acceptor_failing) log::warn("http_accept_failed", {{"error", error.message()}});
        acceptor_failing = true;
        timer.expires_after(kAcceptPause);
        timer.async_wait([this](const error_code& stopped) {
            if (!stopped) accept();
        });
    }

    HttpHandlers handlers;
    // Destroyed after the context, whose pending operations own the sessions.
    Sessions sessions;
    asio::io_context context{1};
    tcp::acceptor acceptor{context};
    asio::steady_timer timer{context};
    bool acceptor_failing = false;
    std::uint16_t port = 0;
    std::jthread thread;
};

Result<std::unique_ptr<HttpFrontend>> HttpFrontend::open(const std::string& address,
                                                         HttpHandlers handlers) {
    BUNCH_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, parse_address(address));
    auto server = std::make_unique<Server>(std::move(handlers));
    if (const Status status = server->listen(endpoint); !status.ok())
        return unavailable("http_address " + address + " cannot be listened on: " +
                           status.message() + " (choose another, or stop what listens there)");
    server->accept();
    Server& running = *server;
    server->thread = std::jthread([&running] { running.context.run(); });
    return std::unique_ptr<HttpFrontend>(new HttpFrontend(std::move(server)));
}

HttpFrontend::HttpFrontend(std::unique_ptr<Server> server) : server_(std::move(server)) {}

HttpFrontend::~HttpFrontend() {
    server_->context.stop();
    server_->thread.join();
}

std::uint16_t HttpFrontend::port() const {
    return server_->port;
}

}  // namespace bunch
