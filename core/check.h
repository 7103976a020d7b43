/// For our own bugs only: a broken invariant ends the process, and the service manager starts it
/// anew. Whatever a user, a file or a network can cause is a Status instead.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace bunch::detail {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
    std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
    std::abort();
}

}  // namespace bunch::detail

#define BUNCH_CHECK(condition)                                             \
    do {                                                                   \
        if (!(condition)) [[unlikely]]                                     \
            ::bunch::detail::check_failed(__FILE__, __LINE__, #condition); \
    } while (false)

/// As BUNCH_CHECK, in builds without NDEBUG only: for checks on the hot path.
#ifdef NDEBUG
#define BUNCH_DCHECK(condition) static_cast<void>(0)
#else
#define BUNCH_DCHECK(condition) BUNCH_CHECK(condition)
#endif
