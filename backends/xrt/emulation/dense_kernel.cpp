#include "backends/xrt/emulation/dense_kernel.h"

#include <algorithm>
#include <vector>

#include "backends/xrt/emulation/register_file.h"
#include "backends/xrt/fixed_point/dense_file.h"
#include "backends/xrt/fixed_point/dense_stack.h"

namespace bunch::emulation {
namespace {

constexpr std::size_t kRowsPerStep = 64;

class DenseKernel final : public KernelModel {
  public:
    explicit DenseKernel(fixed_point::DenseStack stack)
        : stack_(std::move(stack)),
          in_stride_(stack_.input_stride(kDenseRowAlign)),
          out_stride_(stack_.output_stride(kDenseRowAlign)),
          input_(kRowsPerStep * in_stride_),
          output_(kRowsPerStep * out_stride_) {}

    void axil_write(std::uint32_t offset, std::uint32_t value) override {
        registers_.write(offset, value);
    }
    std::uint32_t axil_read(std::uint32_t offset) override { return registers_.read(offset); }

    void reset() override {
        registers_.reset();
        next_row_ = 0;
    }

    bool step(Bus& bus) override {
        if (!registers_.is_started()) return true;
        const std::size_t all = registers_.word(kDenseRows);
        const std::size_t rows = std::min(kRowsPerStep, all - next_row_);
        const std::span in(input_.data(), rows * in_stride_);
        const std::span out(output_.data(), rows * out_stride_);
        const std::uint64_t from = registers_.address(kDenseIn) + next_row_ * in_stride_;
        const std::uint64_t to = registers_.address(kDenseOut) + next_row_ * out_stride_;
        if (!bus.read(from, in.data(), in.size())) return false;
        stack_.run_stored(in, out, rows, kDenseRowAlign);
        if (!bus.write(to, out.data(), out.size())) return false;
        next_row_ += rows;
        if (next_row_ < all) return true;
        registers_.finish();
        next_row_ = 0;
        return true;
    }

  private:
    const fixed_point::DenseStack stack_;
    const std::size_t in_stride_;
    const std::size_t out_stride_;
    RegisterFile registers_;
    std::size_t next_row_ = 0;
    std::vector<std::byte> input_;
    std::vector<std::byte> output_;
};

}  // namespace

Result<std::unique_ptr<KernelModel>> make_dense_kernel(std::span<const std::byte> parameters) {
    BUNCH_ASSIGN_OR_RETURN(fixed_point::DenseStack stack,
                           fixed_point::read_dense_stack(parameters));
    return std::unique_ptr<KernelModel>(std::make_unique<DenseKernel>(std::move(stack)));
}

}  // namespace bunch::emulation
