// bunch-emulated-card: see card_command.h.
#include <iostream>
#include <string>
#include <vector>

#include "backends/xrt/emulation/card_command.h"

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty() || arguments[0] == "--help") {
        (arguments.empty() ? std::cerr : std::cout)
            << "bunch-emulated-card STATE [COMMAND], where STATE is the file that the settings of "
               "the card name:\n"
            << bunch::emulation::kCardCommands;
        return arguments.empty() ? 2 : 0;
    }
    const auto card = bunch::emulation::CardState::open(arguments[0]);
    const bunch::Status status = card.ok() ? bunch::emulation::card_command(
                                                 **card, std::span(arguments).subspan(1), std::cout)
                                           : card.status();
    if (status.ok()) return 0;
    std::cerr << "bunch-emulated-card: " << status.message() << '\n';
    return 1;
}
