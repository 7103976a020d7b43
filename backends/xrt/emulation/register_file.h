/// The registers of a kernel model in C++, for those that compute a whole run in one step.
#pragma once

#include <array>
#include <cstdint>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

class RegisterFile {
  public:
    void write(std::uint32_t offset, std::uint32_t value) {
        if (offset == kControlRegister)
            control_ |= value & kStartBit;
        else if (offset / 4 < words_.size())
            words_[offset / 4] = value;
    }

    std::uint32_t read(std::uint32_t offset) {
        if (offset != kControlRegister) return offset / 4 < words_.size() ? words_[offset / 4] : 0;
        const std::uint32_t value = control_ | ((control_ & kStartBit) == 0 ? kIdleBit : 0);
        control_ &= ~(kDoneBit | kReadyBit);
        return value;
    }

    bool is_started() const { return (control_ & kStartBit) != 0; }
    void finish() { control_ = kDoneBit | kReadyBit; }
    void reset() { *this = {}; }

    std::uint32_t word(std::uint32_t offset) const { return words_[offset / 4]; }
    std::uint64_t address(std::uint32_t offset) const {
        return word(offset) | std::uint64_t{word(offset + 4)} << 32;
    }

  private:
    std::uint32_t control_ = 0;
    std::array<std::uint32_t, 32> words_{};
};

}  // namespace bunch::emulation
