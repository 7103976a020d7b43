/// One HTTP GET, for the daemon's own pages. Not a general client.
#pragma once

#include <string>

#include "core/result.h"

namespace bunch::farm {

/// The body of http://`address``path`, address being "127.0.0.1:8765". Anything but status 200 is
/// `unavailable`. Blocks for as long as the daemon needs, at most about five seconds.
Result<std::string> http_get(const std::string& address, const std::string& path);

}  // namespace bunch::farm
