#include "backends/xrt/emulation/card_settings.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "config/document.h"
#include "config/reader.h"

namespace bunch::emulation {
namespace {

constexpr std::size_t kLongestName = 60;
constexpr Duration kLongest = std::chrono::minutes(10);

template <auto member, typename Owner>
void span(Problems& problems, const Entry& entry, Owner& to) {
    read_duration(problems, entry, Duration{}, kLongest, to.*member);
}

constexpr std::array kTimingFields = {
    Field<KernelTiming>{"name",
                        [](Problems& problems, const Entry& entry, KernelTiming& to) {
                            read_name(problems, entry, kLongestName, to.name);
                        }},
    Field<KernelTiming>{"latency", span<&KernelTiming::latency, KernelTiming>},
    Field<KernelTiming>{"per_row", span<&KernelTiming::per_row, KernelTiming>},
};

/// Each table of a list of tables; a problem for anything else.
template <typename Read>
void for_each_table(Problems& problems, const Entry& entry, Read read) {
    if (!expect(problems, entry, Node::Kind::list, "tables: [[" + entry.key + "]]")) return;
    for (const Node& item : entry.value.items)
        if (expect(problems, {entry.key, item}, Node::Kind::table, "a table")) read(item);
}

constexpr std::array kCardFields = {
    Field<CardSettings>{"name",
                        [](Problems& problems, const Entry& entry, CardSettings& to) {
                            read_name(problems, entry, kLongestName, to.name);
                        }},
    Field<CardSettings>{"state", [](Problems& problems, const Entry& entry,
                                    CardSettings& to) { read_text(problems, entry, to.state); }},
    Field<CardSettings>{"load_time", span<&CardSettings::load_time, CardSettings>},
    Field<CardSettings>{"latency",
                        [](Problems& problems, const Entry& entry, CardSettings& to) {
                            span<&KernelTiming::latency>(problems, entry, to.timing);
                        }},
    Field<CardSettings>{"per_row",
                        [](Problems& problems, const Entry& entry, CardSettings& to) {
                            span<&KernelTiming::per_row>(problems, entry, to.timing);
                        }},
    Field<CardSettings>{"rows_register",
                        [](Problems& problems, const Entry& entry, CardSettings& to) {
                            read_count(problems, entry, 0x10, 4092, to.rows_register);
                        }},
    Field<CardSettings>{"clock_mhz",
                        [](Problems& problems, const Entry& entry, CardSettings& to) {
                            read_count(problems, entry, 1, 2000, to.clock_mhz);
                        }},
    Field<CardSettings>{"kernel",
                        [](Problems& problems, const Entry& entry, CardSettings& to) {
                            for_each_table(problems, entry, [&](const Node& table) {
                                read_table<KernelTiming>(problems, table, kTimingFields,
                                                         to.kernels.emplace_back());
                            });
                        }},
};

/// Cards of one state are one card, whoever opens it; a card without one is its process's.
void name_cards(std::vector<CardSettings>& cards) {
    for (std::size_t i = 0; i < cards.size(); ++i) {
        if (!cards[i].name.empty()) continue;
        const std::string own = std::to_string(::getpid()) + "." + std::to_string(i);
        const std::size_t hash = std::hash<std::string>()(cards[i].state);
        cards[i].name =
            "bunch_emulated_" + (cards[i].state.empty() ? own : std::to_string(hash % 1000000007));
    }
}

}  // namespace

const KernelTiming& CardSettings::timing_of(std::string_view kernel) const {
    for (const KernelTiming& own : kernels)
        if (own.name == kernel) return own;
    return timing;
}

std::vector<CardSettings> default_card() {
    std::vector<CardSettings> cards(1);
    name_cards(cards);
    return cards;
}

Result<std::vector<CardSettings>> parse_card_settings(std::string_view text,
                                                      const std::string& name,
                                                      const std::string& folder) {
    BUNCH_ASSIGN_OR_RETURN(const Node document, parse_document(text, name));
    Problems problems(name);
    std::vector<CardSettings> cards;
    for (const Entry& entry : document.entries) {
        if (entry.key != "card") {
            report_unknown_key(problems, entry, {"card"});
            continue;
        }
        for_each_table(problems, entry, [&](const Node& table) {
            read_table<CardSettings>(problems, table, kCardFields, cards.emplace_back());
        });
    }
    if (cards.empty()) problems.add(0, "there is no [[card]] (add one, it may be empty)");
    std::string all;
    for (const std::string& line : problems.lines()) all += (all.empty() ? "" : "\n") + line;
    if (!all.empty()) return invalid_argument(all);
    for (CardSettings& card : cards)
        if (!card.state.empty())
            card.state = (std::filesystem::path(folder) / card.state).lexically_normal().string();
    name_cards(cards);
    return cards;
}

Result<std::vector<CardSettings>> read_card_settings(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf()))
        return not_found(path + ": cannot be read (it should describe the emulated cards)");
    return parse_card_settings(text.str(), path,
                               std::filesystem::absolute(path).parent_path().string());
}

}  // namespace bunch::emulation
