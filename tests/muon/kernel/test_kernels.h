/// The networks of which make_kernels writes kernels while the tests are built.
#pragma once

#include <string>

#include "tests/muon/networks.h"

namespace bunch::muon {

inline IntegerNetwork kernel_network(Task task) {
    return random_integer_network(task, {10, 6}, 21);
}

/// Of its folder.
inline std::string kernel_name(Task task, bool rtl) {
    return std::string(name_of(task)) + (rtl ? "_rtl" : "_cpp");
}

}  // namespace bunch::muon
