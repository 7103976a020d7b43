// The schema, the example and the documentation name the same keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "config/load.h"

namespace bunch {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(std::string(BUNCH_SOURCE_DIR) + '/' + path);
    EXPECT_TRUE(file) << "cannot read " << path;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string joined(const ConfigProblems& problems) {
    std::string all;
    for (const std::string& problem : problems) all += problem + '\n';
    return all;
}

/// The example with what it has commented out: "# key = ..." and "# [[section]]".
std::string with_commented_lines(const std::string& text) {
    return std::regex_replace(text, std::regex(R"((^|\n)# (\[\[|[a-z_]+ = ))"), "$1$2");
}

/// "server.name" and so on, from the lines of a TOML text.
std::set<std::string> keys_in_toml(const std::string& text) {
    std::set<std::string> keys;
    std::string section;
    std::istringstream lines(text);
    const std::regex key_at_start(R"(^([a-z_]+) = (.*))");
    const std::regex key_inside(R"([{,] ?([a-z_]+) = )");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_search(line, match, std::regex(R"(^\[+([a-z]+)\])"))) section = match[1];
        if (!std::regex_search(line, match, key_at_start)) continue;
        const std::string key = section + '.' + match[1].str();
        keys.insert(key);
        if (key == "device.options") continue;
        const std::string value = match[2];
        for (std::sregex_iterator inside(value.begin(), value.end(), key_inside), end;
             inside != end; ++inside)
            keys.insert(key + '.' + (*inside)[1].str());
    }
    return keys;
}

/// The same from the tables of the documentation: rows that begin with keys in backticks.
std::set<std::string> keys_in_documentation(const std::string& text) {
    std::set<std::string> keys;
    std::string section;
    std::istringstream lines(text);
    const std::regex code(R"(`([a-z_.]+)`)");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_search(line, match, std::regex(R"(^## \[+([a-z]+)\])"))) section = match[1];
        if (!line.starts_with("| `")) continue;
        const std::string cell = line.substr(0, line.find('|', 1));
        for (std::sregex_iterator key(cell.begin(), cell.end(), code), end; key != end; ++key)
            keys.insert(section + '.' + (*key)[1].str());
    }
    return keys;
}

std::set<std::string> schema() {
    const std::vector<std::string> keys = config_keys();
    return {keys.begin(), keys.end()};
}

TEST(ConfigExample, IsUsableAsItIsInstalled) {
    const ConfigResult result = load_config(BUNCH_SOURCE_DIR "/config/bunchd.toml");

    ASSERT_TRUE(std::holds_alternative<Config>(result)) << joined(std::get<ConfigProblems>(result));
    EXPECT_EQ(std::get<Config>(result).models.at(0).name, "echo");
}

TEST(ConfigExample, IsUsableWithAllThatItHasCommentedOut) {
    const std::string text = with_commented_lines(text_of("config/bunchd.toml"));

    const ConfigResult result = parse_config(text, "bunchd.toml");

    ASSERT_TRUE(std::holds_alternative<Config>(result)) << joined(std::get<ConfigProblems>(result));
    EXPECT_EQ(std::get<Config>(result).models.size(), 2u);
}

TEST(ConfigExample, ShowsEveryKeyOfTheSchema) {
    EXPECT_EQ(keys_in_toml(with_commented_lines(text_of("config/bunchd.toml"))), schema());
}

TEST(ConfigExample, ShowsTheDefaultsWhereItDoesNotSayOtherwise) {
    const ConfigResult result = load_config(BUNCH_SOURCE_DIR "/config/bunchd.toml");
    ASSERT_TRUE(std::holds_alternative<Config>(result));
    const Config& config = std::get<Config>(result);

    const ServerConfig server;
    EXPECT_EQ(config.server.data_endpoints, server.data_endpoints);
    EXPECT_EQ(config.server.control_endpoints, server.control_endpoints);
    EXPECT_EQ(config.server.http_address, server.http_address);
    EXPECT_EQ(config.server.state_dir, server.state_dir);
    EXPECT_EQ(config.server.drain_timeout, server.drain_timeout);
    const LimitsConfig limits;
    EXPECT_EQ(config.limits.max_open_calls, limits.max_open_calls);
    EXPECT_EQ(config.limits.max_open_bytes, limits.max_open_bytes);
    EXPECT_EQ(config.limits.max_frame_bytes, limits.max_frame_bytes);
    EXPECT_EQ(config.limits.max_message_bytes, limits.max_message_bytes);
    EXPECT_EQ(config.limits.max_frames_per_message, limits.max_frames_per_message);
    EXPECT_EQ(config.limits.client_credit_bytes, limits.client_credit_bytes);
    EXPECT_EQ(config.limits.max_clients, limits.max_clients);
    EXPECT_EQ(config.limits.gather_threads, limits.gather_threads);
    EXPECT_EQ(config.limits.gather_inline_bytes, limits.gather_inline_bytes);
    const RestartConfig restart;
    EXPECT_EQ(config.restart.initial_pause, restart.initial_pause);
    EXPECT_EQ(config.restart.max_pause, restart.max_pause);
    EXPECT_EQ(config.restart.max_restarts, restart.max_restarts);
    EXPECT_EQ(config.restart.window, restart.window);
    EXPECT_EQ(config.scheduler.minimum_share, SchedulerSettings().minimum_share);
    EXPECT_EQ(config.trace.events, TraceConfig().events);
    EXPECT_EQ(config.devices.at(0).arena_bytes, DeviceConfig().arena_bytes);
    EXPECT_EQ(config.devices.at(0).batch_timeout, DeviceConfig().batch_timeout);
    const ModelSpec model;
    EXPECT_EQ(config.models.at(0).max_batch_rows, model.max_batch_rows);
    EXPECT_EQ(config.models.at(0).max_rows_per_request, model.max_rows_per_request);
    EXPECT_EQ(config.models.at(0).max_queued_rows, model.max_queued_rows);
    EXPECT_EQ(config.models.at(0).max_queued_bytes, model.max_queued_bytes);
    EXPECT_EQ(config.models.at(0).keeps_client_order, model.keeps_client_order);
}

TEST(ConfigDocumentation, ExplainsEveryKeyOfTheSchemaAndNoOther) {
    EXPECT_EQ(keys_in_documentation(text_of("docs/CONFIGURATION.md")), schema());
}

}  // namespace
}  // namespace bunch
