#include "backends/xrt/emulation/row_kernel.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "backends/xrt/emulation/register_file.h"

namespace bunch::emulation {
namespace {

constexpr std::uint32_t kErrors = 0x30;  // only the kernel writes it
constexpr std::uint32_t kReadError = 1, kWriteError = 2;

class RowKernelModel final : public KernelModel {
  public:
    explicit RowKernelModel(RowKernel kernel)
        : kernel_(std::move(kernel)),
          input_(kernel_.rows_per_step * kernel_.in_stride),
          output_(kernel_.rows_per_step * kernel_.out_stride) {}

    void axil_write(std::uint32_t offset, std::uint32_t value) override {
        if (offset != kErrors) registers_.write(offset, value);
    }
    std::uint32_t axil_read(std::uint32_t offset) override { return registers_.read(offset); }

    void reset() override {
        registers_.reset();
        next_row_ = 0;
    }

    bool step(Bus& bus) override {
        if (!registers_.is_started()) return true;
        const std::uint64_t in = registers_.address(kDenseIn), out = registers_.address(kDenseOut);
        const std::uint32_t errors = (in % kernel_.alignment != 0 ? kReadError : 0) |
                                     (out % kernel_.alignment != 0 ? kWriteError : 0);
        const std::size_t all = errors != 0 ? 0 : registers_.word(kDenseRows);
        const std::size_t rows = std::min(kernel_.rows_per_step, all - next_row_);
        if (rows > 0 && !run(bus, in, out, rows)) return false;
        next_row_ += rows;
        if (next_row_ < all) return true;
        registers_.write(kErrors, errors);
        registers_.finish();
        next_row_ = 0;
        return true;
    }

  private:
    bool run(Bus& bus, std::uint64_t in, std::uint64_t out, std::size_t rows) {
        const std::span from(input_.data(), rows * kernel_.in_stride);
        const std::span to(output_.data(), rows * kernel_.out_stride);
        if (!bus.read(in + next_row_ * kernel_.in_stride, from.data(), from.size())) return false;
        kernel_.run(from, to, rows);
        return bus.write(out + next_row_ * kernel_.out_stride, to.data(), to.size());
    }

    const RowKernel kernel_;
    RegisterFile registers_;
    std::size_t next_row_ = 0;
    std::vector<std::byte> input_, output_;
};

}  // namespace

std::unique_ptr<KernelModel> make_row_kernel(RowKernel kernel) {
    return std::make_unique<RowKernelModel>(std::move(kernel));
}

}  // namespace bunch::emulation
