#include "backends/xrt/emulation/copy_kernel.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "backends/xrt/emulation/register_file.h"

namespace bunch::emulation {
namespace {

constexpr std::size_t kLongestRow = 1 << 20;
constexpr std::size_t kMostBytes = std::size_t{1} << 31;

class CopyKernel final : public KernelModel {
  public:
    CopyKernel(std::size_t in, std::size_t out) : in_(in), out_(out) {}

    void axil_write(std::uint32_t offset, std::uint32_t value) override {
        registers_.write(offset, value);
    }
    std::uint32_t axil_read(std::uint32_t offset) override { return registers_.read(offset); }
    void reset() override { registers_.reset(); }

    bool step(Bus& bus) override {
        if (!registers_.is_started()) return true;
        const std::size_t rows = registers_.word(kDenseRows);
        if (rows * (in_ + out_) > kMostBytes) return false;  // beyond any memory
        input_.resize(rows * in_);
        output_.assign(rows * out_, std::byte{0});
        if (!bus.read(registers_.address(kDenseIn), input_.data(), input_.size())) return false;
        for (std::size_t row = 0; row < rows; ++row)
            std::copy_n(input_.data() + row * in_, std::min(in_, out_),
                        output_.data() + row * out_);
        if (!bus.write(registers_.address(kDenseOut), output_.data(), output_.size())) return false;
        registers_.finish();
        return true;
    }

  private:
    std::size_t in_;
    std::size_t out_;
    RegisterFile registers_;
    std::vector<std::byte> input_;
    std::vector<std::byte> output_;
};

}  // namespace

Result<std::unique_ptr<KernelModel>> make_copy_kernel(std::span<const std::byte> parameters) {
    std::istringstream text(
        std::string(reinterpret_cast<const char*>(parameters.data()), parameters.size()));
    std::size_t in = 0, out = 0;
    if (!(text >> in >> out) || in == 0 || out == 0 || in > kLongestRow || out > kLongestRow)
        return invalid_argument("the parameters of a copy kernel are two sizes, as \"64 64\"");
    return std::unique_ptr<KernelModel>(std::make_unique<CopyKernel>(in, out));
}

}  // namespace bunch::emulation
