#include "muon/rtl/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/check.h"

namespace bunch::muon {

int signed_width(std::int64_t low, std::int64_t high) {
    int width = 1;
    while (low < -(std::int64_t{1} << (width - 1)) || high >= std::int64_t{1} << (width - 1))
        ++width;
    return width;
}

Pipeline::Signal Pipeline::given(const std::string& name, std::int64_t low, std::int64_t high) {
    signals_.push_back({name, low, high, 0, 0, false});
    return signals_.size() - 1;
}

Pipeline::Signal Pipeline::constant(std::int64_t value) {
    BUNCH_CHECK(value >= 0);
    const std::string text = fmt::format("{}'sd{}", signed_width(0, value), value);
    signals_.push_back({text, value, value, 0, 0, true});
    return signals_.size() - 1;
}

Pipeline::Signal Pipeline::logic(const std::string& name, const std::vector<Signal>& operands,
                                 const std::string& text, std::int64_t low, std::int64_t high) {
    int stage = 0, level = 0;
    for (const Signal operand : operands) {
        const Entry& entry = signals_[operand];
        if (entry.constant) continue;
        if (entry.stage > stage) level = 0;
        stage = std::max(stage, entry.stage);
        if (entry.stage == stage) level = std::max(level, entry.level);
    }
    if (level == kMostLevels) {
        ++stage;
        level = 0;
    }
    return place(name, operands, text, {name, low, high, stage, level + 1, false});
}

Pipeline::Signal Pipeline::wiring(const std::string& name, Signal operand, const std::string& text,
                                  std::int64_t low, std::int64_t high) {
    const Entry& from = signals_[operand];
    return place(name, {operand}, text, {name, low, high, from.stage, from.level, false});
}

Pipeline::Signal Pipeline::place(const std::string& name, const std::vector<Signal>& operands,
                                 const std::string& text, Entry made) {
    std::string expression = text;
    for (std::size_t i = 0; i < operands.size(); ++i) {
        const std::string mark = fmt::format("{{{}}}", i), operand = at(operands[i], made.stage);
        for (std::size_t p = expression.find(mark); p != std::string::npos;
             p = expression.find(mark))
            expression.replace(p, mark.size(), operand);
    }
    wires_ += fmt::format("    wire signed [{}:0] {} = {};\n",
                          signed_width(made.low, made.high) - 1, name, expression);
    signals_.push_back(std::move(made));
    return signals_.size() - 1;
}

Pipeline::Signal Pipeline::registered_logic(const std::string& name,
                                            const std::vector<Signal>& operands,
                                            const std::string& text, std::int64_t low,
                                            std::int64_t high) {
    const Signal made = logic(name, operands, text, low, high);
    signals_[made].level = kMostLevels;
    return made;
}

std::string Pipeline::at(Signal signal, int stage) {
    const Entry entry = signals_[signal];
    BUNCH_CHECK(entry.constant || stage >= entry.stage);
    if (entry.constant || stage == entry.stage) return entry.name;
    if (const auto known = delayed_.find({signal, stage}); known != delayed_.end())
        return known->second;
    const std::string before = at(signal, stage - 1);
    const std::string name = fmt::format("{}_t{}", entry.name, stage);
    const int bits = signed_width(entry.low, entry.high);
    wires_ += fmt::format("    reg signed [{}:0] {};\n", bits - 1, name);
    clocked_ += fmt::format("        {} <= {};\n", name, before);
    register_bits_ += static_cast<std::size_t>(bits);
    delayed_[{signal, stage}] = name;
    return name;
}

void Pipeline::comment(const std::string& text) {
    wires_ += "\n    // " + text + "\n";
}

}  // namespace bunch::muon
