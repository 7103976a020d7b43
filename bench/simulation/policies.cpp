#include "bench/simulation/policies.h"

#include <fmt/format.h>

#include <charconv>

#include "bench/simulation/bunchd_policy.h"
#include "bench/simulation/rivals/rivals.h"

namespace bunch::simulation {
namespace {

Result<double> parse_number(const std::string& choice, const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stopped == end) return value;
    return invalid_argument(fmt::format(
        "policy '{}': '{}' is not a number (write \"name:key=1,key=0.5\")", choice, text));
}

}  // namespace

Result<PolicyMaker> policy_maker(const PolicyChoice& choice) {
    if (choice.name == "bunchd") {
        if (!choice.settings.empty())
            return invalid_argument(fmt::format("policy bunchd has no setting '{}' (it has none)",
                                                choice.settings.front().first));
        return PolicyMaker(make_bunchd_policy);
    }
    for (const std::string& rival : rival_names())
        if (choice.name == rival) return rival_maker(choice);
    return invalid_argument(fmt::format("there is no policy '{}' (known: bunchd, {})", choice.name,
                                        fmt::join(rival_names(), ", ")));
}

Result<PolicyChoice> parse_choice(const std::string& text) {
    PolicyChoice choice;
    const std::size_t colon = text.find(':');
    choice.name = text.substr(0, colon);
    std::size_t begin = colon == std::string::npos ? text.size() : colon + 1;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string setting = text.substr(begin, end - begin);
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos || equals == 0)
            return invalid_argument(
                fmt::format("policy '{}': '{}' is not a setting (write \"name:key=1,key=0.5\")",
                            text, setting));
        BUNCH_ASSIGN_OR_RETURN(const double value, parse_number(text, setting.substr(equals + 1)));
        choice.settings.emplace_back(setting.substr(0, equals), value);
        begin = end + 1;
    }
    return choice;
}

std::string to_text(const PolicyChoice& choice) {
    std::string text = choice.name;
    for (std::size_t i = 0; i < choice.settings.size(); ++i)
        text += fmt::format("{}{}={}", i == 0 ? ':' : ',', choice.settings[i].first,
                            choice.settings[i].second);
    return text;
}

}  // namespace bunch::simulation
