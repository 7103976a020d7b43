/// The daemon's small web server for people, monitoring and load balancers: /metrics, /healthz,
/// /readyz and a page that links them. Not for inference.
///
/// One thread of its own runs everything here, the handlers too; it never waits for one client
/// while others are due. Clients that are slow, silent or too many are cut off.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"

namespace bunch {

/// Answer to a question about health: 200 if `ok`, else 503; the reasons are shown, one per line.
struct Health {
    bool ok = true;
    std::vector<std::string> reasons;
};

/// What is behind each address. Called on the frontend's thread; must not block or throw.
struct HttpHandlers {
    std::function<std::string()> metrics;  ///< Prometheus text
    std::function<Health()> health;        ///< is the process alive and its reactor turning
    std::function<Health()> ready;         ///< should it be sent work
};

class HttpFrontend {
  public:
    /// Listens on "address:port" ("127.0.0.1:8765", "[::1]:0"); port 0 takes a free one. Fails with
    /// invalid_argument if that is no address, unavailable if it cannot be had.
    static Result<std::unique_ptr<HttpFrontend>> open(const std::string& address,
                                                      HttpHandlers handlers);

    /// Ends all connections and the thread.
    ~HttpFrontend();
    HttpFrontend(const HttpFrontend&) = delete;
    HttpFrontend& operator=(const HttpFrontend&) = delete;

    std::uint16_t port() const;

  private:
    struct Server;
    explicit HttpFrontend(std::unique_ptr<Server> server);

    std::unique_ptr<Server> server_;
};

}  // namespace bunch
