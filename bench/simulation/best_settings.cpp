#include "bench/simulation/best_settings.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "bench/simulation/policies.h"
#include "config/document.h"
#include "config/reader.h"

namespace bunch::simulation {

std::string to_toml(const std::vector<BestSetting>& settings, const std::string& command) {
    std::string text = fmt::format(
        "# The best setting of each rival in each scenario, and the figure that it reached, as\n"
        "#     {}\n"
        "# has found them.\n",
        command);
    const std::string* scenario = nullptr;
    for (const BestSetting& one : settings) {
        if (scenario == nullptr || *scenario != one.scenario)
            text += fmt::format("\n[\"{}\"]\n", one.scenario);
        scenario = &one.scenario;
        text += fmt::format("{:<16} = {{policy = {:<54} figure = {:.3f}}}\n",
                            fmt::format("\"{}\"", one.contender),
                            fmt::format("\"{}\",", to_text(one.choice)), one.figure);
    }
    return text;
}

namespace {

struct WrittenSetting {
    std::string policy;
    double figure = 0;
};

constexpr std::array kSetting = {
    Field<WrittenSetting>{"policy",
                          [](Problems& problems, const Entry& entry, WrittenSetting& to) {
                              read_text(problems, entry, to.policy);
                          }},
    Field<WrittenSetting>{"figure",
                          [](Problems& problems, const Entry& entry, WrittenSetting& to) {
                              read_number(problems, entry, 0, 1e9, to.figure);
                          }},
};

void read_setting(Problems& problems, const std::string& scenario, const Entry& contender,
                  std::vector<BestSetting>& settings) {
    if (!expect(problems, contender, Node::Kind::table,
                R"({policy = "triton:delay_ms=1", figure = 0.7})"))
        return;
    WrittenSetting written;
    read_table<WrittenSetting>(problems, contender.value, kSetting, written);
    const Result<PolicyChoice> choice = parse_choice(written.policy);
    const Status status = choice.ok() ? policy_maker(*choice).status() : choice.status();
    if (status.ok())
        settings.push_back({scenario, contender.key, *choice, written.figure});
    else
        problems.add(contender.value.line, contender.key + ": " + status.message());
}

}  // namespace

Result<std::vector<BestSetting>> parse_best_settings(std::string_view text,
                                                     const std::string& name) {
    BUNCH_ASSIGN_OR_RETURN(const Node document, parse_document(text, name));
    std::vector<BestSetting> settings;
    Problems problems(name);
    for (const Entry& scenario : document.entries) {
        if (!expect(problems, scenario, Node::Kind::table, "a section: [\"S1\"]")) continue;
        for (const Entry& contender : scenario.value.entries)
            read_setting(problems, scenario.key, contender, settings);
    }
    if (!problems.empty()) return invalid_argument(problems.lines().front());
    return settings;
}

Result<std::vector<BestSetting>> load_best_settings(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file)
        return not_found("'" + path +
                         "' cannot be read (name the file that bunch-simulate --tune has written)");
    return parse_best_settings(text.str(), path);
}

std::vector<BestSetting> merged(std::vector<BestSetting> old,
                                const std::vector<BestSetting>& found) {
    std::set<std::string> scenarios;
    for (const BestSetting& one : found) scenarios.insert(one.scenario);
    std::erase_if(old, [&](const BestSetting& one) { return scenarios.count(one.scenario) > 0; });
    old.insert(old.end(), found.begin(), found.end());
    return old;
}

Result<PolicyChoice> best_for(const std::vector<BestSetting>& settings, const std::string& scenario,
                              const std::string& contender) {
    for (const BestSetting& one : settings)
        if (one.scenario == scenario && one.contender == contender) return one.choice;
    return not_found(
        fmt::format("no best setting of '{}' in scenario '{}' is known (find it with "
                    "bunch-simulate --tune)",
                    contender, scenario));
}

}  // namespace bunch::simulation
