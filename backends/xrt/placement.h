/// A model on one lane: its kernel on one compute unit, and for each slot of the lane a run with
/// buffers on the card. What lies on the card as clients have it goes from and to the arena without
/// a copy (the arena's memory is the host side of the buffers); the rest is converted in between.
///
/// Made and destroyed by the control thread, used by the lane's thread. Everything but make()
/// throws what XRT throws.
#pragma once

#include <ert.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "backends/xrt/driver_error.h"
#include "backends/xrt/fpga_model.h"
#include "backends/xrt/row_codec.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch::fpga {

/// The arena of a lane and how it is divided.
struct LaneArena {
    std::span<std::byte> bytes;
    std::uint32_t slots = 1;

    std::span<std::byte> slot(std::uint32_t index) const {
        const std::size_t each = bytes.size() / slots;
        return bytes.subspan(index * each, each);
    }
};

class Placement {
  public:
    /// The model's design is on the card. `rows` of one batch at most.
    static std::variant<std::unique_ptr<Placement>, DriverError> make(
        const ::xrt::device& device, std::shared_ptr<const FpgaModel> model,
        const std::string& unit, const LaneArena& arena, std::uint32_t rows);

    const FpgaModel& model() const { return *model_; }
    const std::string& unit() const { return unit_; }

    /// On the card, over all slots.
    std::uint64_t memory_bytes() const { return memory_bytes_; }

    /// Whether some tensor is transferred without a copy.
    bool uses_arena() const { return uses_arena_; }

    /// Brings the inputs to the card. False: the batch does not lie in its slot.
    bool stage(std::uint32_t slot, std::size_t rows, std::span<const ConstTensorView> inputs,
               std::span<const TensorView> outputs);
    void start(std::uint32_t slot) { sets_[slot].run.start(); }

    /// Never blocks.
    ert_cmd_state state(std::uint32_t slot) const { return sets_[slot].run.state(); }

    /// Until the run ends, or some other of the lane, or `limit`, which is at least 1 ms.
    void wait(std::uint32_t slot, std::chrono::milliseconds limit) const {
        sets_[slot].run.wait(limit);
    }

    /// Fetches the outputs of a run that is completed.
    void fetch(std::uint32_t slot, std::size_t rows, std::span<const TensorView> outputs);

    /// A new run in place of one that failed and may be of no use.
    void renew(std::uint32_t slot);

  private:
    /// A tensor's buffer in one slot.
    struct Buffer {
        ::xrt::bo bo;               ///< of its own; or the part of the arena that it is this time
        std::byte* host = nullptr;  ///< of its own buffer; null: in the arena
    };
    struct CallSet {
        ::xrt::run run;
        std::vector<Buffer> inputs;
        std::vector<Buffer> outputs;
        std::vector<::xrt::bo> arena;  ///< the slot's part of it, by Tensor::window
    };
    struct Tensor {
        RowCodec codec;
        int argument = 0;
        int group = 0;                      ///< bank, or group of banks
        std::optional<std::size_t> window;  ///< into CallSet::arena; nothing: own buffers
    };

    Placement(std::shared_ptr<const FpgaModel> model, std::string unit, LaneArena arena,
              std::uint32_t rows)
        : model_(std::move(model)), unit_(std::move(unit)), arena_(arena), rows_(rows) {}
    void open(const ::xrt::device& device);
    Tensor tensor_of(Argument::Kind kind, std::uint32_t index, const DeviceTensor& tensor) const;
    void open_windows(const ::xrt::device& device);
    Buffer own_buffer(const ::xrt::device& device, const Tensor& tensor);
    std::size_t bytes_in_slot() const;
    bool place_in_arena(std::uint32_t slot, CallSet& set, const Tensor& tensor, Buffer& buffer,
                        const std::byte* data, std::size_t bytes);
    void set_arguments(CallSet& set) const;
    void set_number(::xrt::run& run, std::size_t argument, std::uint64_t value) const;

    std::shared_ptr<const FpgaModel> model_;
    std::string unit_;
    LaneArena arena_;
    std::uint32_t rows_;
    ::xrt::kernel kernel_;
    std::vector<Tensor> inputs_;
    std::vector<Tensor> outputs_;
    std::vector<int> groups_;  ///< of the windows
    std::vector<CallSet> sets_;
    std::uint64_t memory_bytes_ = 0;
    bool uses_arena_ = false;
};

}  // namespace bunch::fpga
