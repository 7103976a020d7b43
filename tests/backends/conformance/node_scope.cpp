#include "tests/backends/conformance/node_scope.h"

#include <fstream>
#include <sstream>

namespace bunch::conformance {
namespace {

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string::npos) return "";
    return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

bool fits(const std::string& pattern, const NodeCase& node_case) {
    if (pattern.ends_with('*'))
        return node_case.name.starts_with(pattern.substr(0, pattern.size() - 1));
    if (pattern == node_case.name) return true;
    std::istringstream names(node_case.operators);
    for (std::string name; std::getline(names, name, '+');)
        if (name == pattern) return true;
    return false;
}

}  // namespace

std::vector<OutsideRule> read_rules(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<OutsideRule> rules;
    for (std::string line; std::getline(file, line);) {
        const std::size_t hash = line.find('#');
        const std::string pattern = trimmed(line.substr(0, hash));
        if (pattern.empty()) continue;
        rules.push_back(
            {pattern, hash == std::string::npos ? "" : trimmed(line.substr(hash + 1)), 0});
    }
    return rules;
}

OutsideRule* rule_for(std::vector<OutsideRule>& rules, const NodeCase& node_case) {
    for (OutsideRule& rule : rules) {
        if (!fits(rule.pattern, node_case)) continue;
        ++rule.used;
        return &rule;
    }
    return nullptr;
}

}  // namespace bunch::conformance
