/// What XRT threw, as a value. XRT throws std::bad_alloc where the driver gives it no buffer, which
/// is a full memory bank, unless the driver's errno says that it refuses everything; and
/// std::system_error with the driver's errno, and other exceptions with a text only.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <system_error>

namespace bunch::fpga {

struct DriverError {
    int error = 0;  ///< errno; 0: XRT gave none
    std::string text;
};

/// Nothing, if the call went well.
template <typename Call>
std::optional<DriverError> tried(Call&& call) {
    errno = 0;
    try {
        call();
        return std::nullopt;
    } catch (const std::bad_alloc&) {
        if (errno == EDEADLK || errno == ENODEV || errno == ENXIO)
            return DriverError{errno, "no buffer can be had (errno " + std::to_string(errno) + ")"};
        return DriverError{ENOMEM, "no memory is left in the bank (-ENOMEM)"};
    } catch (const std::system_error& error) {
        const int code = std::abs(error.code().value());
        return DriverError{code,
                           std::string(error.what()) + " (errno " + std::to_string(code) + ")"};
    } catch (const std::exception& error) {
        return DriverError{0, error.what()};
    } catch (...) {
        return DriverError{0, "an unknown exception"};
    }
}

}  // namespace bunch::fpga
