#include "backends/xrt/emulation/muon_kernel.h"

#include <algorithm>
#include <string>
#include <vector>

#include "backends/xrt/emulation/register_file.h"
#include "muon/quantised/kernel_rows.h"
#include "muon/quantised/onnx_file.h"

namespace bunch::emulation {
namespace {

constexpr std::size_t kRowsPerStep = 256;
constexpr std::uint32_t kErrors = 0x30;
constexpr std::uint32_t kReadError = 1, kWriteError = 2;
constexpr std::uint64_t kBeatBytes = 64;

class MuonKernel final : public KernelModel {
  public:
    explicit MuonKernel(muon::IntegerNetwork network)
        : network_(std::move(network)),
          in_stride_(muon::kernel_input_stride(network_.task)),
          out_stride_(muon::kernel_output_stride(network_.task)),
          input_(kRowsPerStep * in_stride_),
          output_(kRowsPerStep * out_stride_) {}

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
        const std::uint32_t errors =
            (in % kBeatBytes != 0 ? kReadError : 0) | (out % kBeatBytes != 0 ? kWriteError : 0);
        const std::size_t all = errors != 0 ? 0 : registers_.word(kDenseRows);
        const std::size_t rows = std::min(kRowsPerStep, all - next_row_);
        const std::span from(input_.data(), rows * in_stride_);
        const std::span to(output_.data(), rows * out_stride_);
        if (rows > 0) {
            if (!bus.read(in + next_row_ * in_stride_, from.data(), from.size())) return false;
            muon::run_rows(network_, from, to);
            if (!bus.write(out + next_row_ * out_stride_, to.data(), to.size())) return false;
        }
        next_row_ += rows;
        if (next_row_ < all) return true;
        registers_.write(kErrors, errors);
        registers_.finish();
        next_row_ = 0;
        return true;
    }

  private:
    const muon::IntegerNetwork network_;
    const std::size_t in_stride_;
    const std::size_t out_stride_;
    RegisterFile registers_;
    std::size_t next_row_ = 0;
    std::vector<std::byte> input_;
    std::vector<std::byte> output_;
};

}  // namespace

Result<std::unique_ptr<KernelModel>> make_muon_kernel(std::span<const std::byte> parameters) {
    const std::string bytes(reinterpret_cast<const char*>(parameters.data()), parameters.size());
    Result<muon::IntegerNetwork> network = muon::parse_onnx(bytes);
    if (!network.ok()) return network.status().with_context("the parameters of a muon kernel");
    return std::unique_ptr<KernelModel>(std::make_unique<MuonKernel>(std::move(*network)));
}

}  // namespace bunch::emulation
