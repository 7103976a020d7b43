#include "backends/xrt/emulation/card_command.h"

#include <charconv>
#include <string_view>

namespace bunch::emulation {

const char* const kCardCommands =
    "status            how the card is, and what it has done\n"
    "reset             as 'xbutil reset': well and empty again\n"
    "hang UNIT         the unit of that index swallows every call from now on\n"
    "dead              the driver refuses all work (-EDEADLK) until a reset\n"
    "gone              it is not on the bus any more (-ENODEV)\n"
    "back              it is again, or not dead any more, with its design\n"
    "fail-runs N       the next N calls end in the state ERROR\n"
    "fail-loads N      the next N loads of a design fail\n"
    "busy-loads N      the next N loads find the card in use\n"
    "take-memory N     N bytes of each bank are somebody else's\n";

namespace {

struct Word {
    std::string_view name;
    bool has_number;
    void (*act)(const CardState& card, std::uint64_t number);
};

constexpr Word kWords[] = {
    {"reset", false, [](const CardState& card, std::uint64_t) { card.reset(); }},
    {"hang", true,
     [](const CardState& card, std::uint64_t unit) {
         card.faults().hanging_units |= std::uint64_t{1} << (unit & 63);
     }},
    {"dead", false,
     [](const CardState& card, std::uint64_t) { card.faults().board = Board::dead; }},
    {"gone", false,
     [](const CardState& card, std::uint64_t) { card.faults().board = Board::gone; }},
    {"back", false,
     [](const CardState& card, std::uint64_t) { card.faults().board = Board::well; }},
    {"fail-runs", true,
     [](const CardState& card, std::uint64_t number) {
         card.faults().failing_runs = static_cast<std::uint32_t>(number);
     }},
    {"fail-loads", true,
     [](const CardState& card, std::uint64_t number) {
         card.faults().failing_loads = static_cast<std::uint32_t>(number);
     }},
    {"busy-loads", true,
     [](const CardState& card, std::uint64_t number) {
         card.faults().busy_loads = static_cast<std::uint32_t>(number);
     }},
    {"take-memory", true,
     [](const CardState& card, std::uint64_t number) { card.faults().taken_bytes = number; }},
};

void print_status(const CardState& card, std::ostream& out) {
    const CardFaults& faults = card.faults();
    const int health = card.health();
    const Board board = faults.board;
    out << "board          "
        << (board == Board::gone ? "gone"
            : health != 0        ? "dead, waiting for a reset"
                                 : "well")
        << "\ndesign         " << fpga::to_text(card.design()) << "\nhanging units  "
        << faults.hanging_units << " (bits)\nloads          " << faults.loads << "\ncalls          "
        << faults.runs << '\n';
}

}  // namespace

Status card_command(const CardState& card, std::span<const std::string> words, std::ostream& out) {
    const std::string word = words.empty() ? "status" : words[0];
    if (word == "status" && words.size() <= 1) {
        print_status(card, out);
        return ok_status();
    }
    for (const Word& known : kWords) {
        if (known.name != word) continue;
        std::uint64_t number = 0;
        if (words.size() != (known.has_number ? 2u : 1u))
            return invalid_argument(word +
                                    (known.has_number ? " needs a number" : " stands alone"));
        if (known.has_number) {
            const std::string& text = words[1];
            const auto end = text.data() + text.size();
            if (std::from_chars(text.data(), end, number).ptr != end || text.empty())
                return invalid_argument(word + " " + text + ": write a number from 0");
        }
        known.act(card, number);
        return ok_status();
    }
    return invalid_argument("'" + word + "' is not known here; there are:\n" + kCardCommands);
}

}  // namespace bunch::emulation
