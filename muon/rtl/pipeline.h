/// Hardware text for a pipeline of integer arithmetic: every signal knows its range, the clock in
/// which it is there and how many levels of logic lie before it; delays and registers follow by
/// themselves. Plain SystemVerilog that Verilator and Yosys read alike. Not a scheduler: the order
/// of operations is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bunch::muon {

/// Levels of logic between two registers.
inline constexpr int kMostLevels = 2;

class Pipeline {
  public:
    using Signal = std::size_t;

    /// A number in [low, high] that is there in clock 0, by the name of a port or wire. All numbers
    /// are signed; widths follow from the ranges.
    Signal given(const std::string& name, std::int64_t low, std::int64_t high);
    /// The same for a number that is there in every clock.
    Signal constant(std::int64_t value);

    /// `text` of `operands`, named {0}, {1}: one more level, in the first clock that has room.
    Signal logic(const std::string& name, const std::vector<Signal>& operands,
                 const std::string& text, std::int64_t low, std::int64_t high);
    /// The same, and the next operation finds it behind a register.
    Signal registered_logic(const std::string& name, const std::vector<Signal>& operands,
                            const std::string& text, std::int64_t low, std::int64_t high);

    /// The same for what is only wired otherwise: no level.
    Signal wiring(const std::string& name, Signal operand, const std::string& text,
                  std::int64_t low, std::int64_t high);

    /// The name of the signal as it is `stage` clocks after the input; adds the delays.
    std::string at(Signal signal, int stage);

    int stage(Signal signal) const { return signals_[signal].stage; }
    int level(Signal signal) const { return signals_[signal].level; }
    std::int64_t low(Signal signal) const { return signals_[signal].low; }
    std::int64_t high(Signal signal) const { return signals_[signal].high; }

    void comment(const std::string& text);

    /// Declarations and wires; then the body of the clocked process.
    const std::string& wires() const { return wires_; }
    const std::string& clocked() const { return clocked_; }
    std::size_t register_bits() const { return register_bits_; }

  private:
    struct Entry {
        std::string name;
        std::int64_t low = 0, high = 0;
        int stage = 0;
        int level = 0;
        bool constant = false;
    };
    Signal place(const std::string& name, const std::vector<Signal>& operands,
                 const std::string& text, Entry made);

    std::map<std::pair<Signal, int>, std::string> delayed_;
    std::vector<Entry> signals_;
    std::string wires_, clocked_;
    std::size_t register_bits_ = 0;
};

/// Bits of a signed number that holds both.
int signed_width(std::int64_t low, std::int64_t high);

}  // namespace bunch::muon
