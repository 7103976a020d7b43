#include "config/endpoint.h"

#include <charconv>
#include <cstdint>

namespace bunch {
namespace {

constexpr std::string_view kIpc = "ipc://";
constexpr std::string_view kTcp = "tcp://";
constexpr std::size_t kLongestSocketPath = 107;  // sockaddr_un, see unix(7)

std::string_view host_of(std::string_view address) {
    return address.substr(0, address.rfind(':'));
}

}  // namespace

Status check_endpoint(std::string_view endpoint) {
    if (endpoint.starts_with(kIpc)) {
        const std::string_view path = endpoint.substr(kIpc.size());
        if (path.empty())
            return invalid_argument("names no socket (write \"ipc:///run/bunchd/data.sock\")");
        if (path.size() > kLongestSocketPath)
            return invalid_argument("has too long a path for a socket (at most 107 bytes)");
        return ok_status();
    }
    if (endpoint.starts_with(kTcp)) return check_address(endpoint.substr(kTcp.size()));
    return invalid_argument(
        "is no endpoint (write \"ipc:///run/bunchd/data.sock\" or \"tcp://127.0.0.1:9000\")");
}

Status check_address(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    const std::string_view host = host_of(address);
    const bool is_bare_ipv6 =
        host.find(':') != std::string_view::npos && !(host.front() == '[' && host.back() == ']');
    if (colon == std::string_view::npos || host.empty() || is_bare_ipv6)
        return invalid_argument("is no address (write \"127.0.0.1:9000\" or \"[::1]:9000\")");
    const std::string_view port = address.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size())
        return invalid_argument("has no port (write a number from 0 to 65535 after the ':')");
    return ok_status();
}

bool is_local_endpoint(std::string_view endpoint) {
    return !endpoint.starts_with(kTcp) || is_local_address(endpoint.substr(kTcp.size()));
}

bool is_local_address(std::string_view address) {
    const std::string_view host = host_of(address);
    const bool is_numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
    return host == "localhost" || host == "[::1]" || (is_numeric && host.starts_with("127."));
}

}  // namespace bunch
