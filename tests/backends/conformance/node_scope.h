/// Which node tests are outside of what this project runs, and why: read from outside.txt.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/backends/conformance/node_case.h"

namespace bunch::conformance {

/// A line of the file: an operator, or the name of a case (a '*' at the end stands for the rest).
struct OutsideRule {
    std::string pattern;
    std::string reason;
    int used = 0;
};

/// Every line has a reason after '#'; a test checks that.
std::vector<OutsideRule> read_rules(const std::filesystem::path& path);

/// The rule that puts `node_case` outside, or null.
OutsideRule* rule_for(std::vector<OutsideRule>& rules, const NodeCase& node_case);

}  // namespace bunch::conformance
