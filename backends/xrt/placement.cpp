#include "backends/xrt/placement.h"

#include <algorithm>
#include <cstring>

namespace bunch::fpga {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSegmentAlign = 64;  // as segments.h lays them out

std::size_t rounded(std::size_t bytes, std::size_t to) {
    return (bytes + to - 1) / to * to;
}

xrtMemoryGroup as_group(int group) {
    return static_cast<xrtMemoryGroup>(group);
}

}  // namespace

std::variant<std::unique_ptr<Placement>, DriverError> Placement::make(
    const ::xrt::device& device, std::shared_ptr<const FpgaModel> model, const std::string& unit,
    const LaneArena& arena, std::uint32_t rows) {
    std::unique_ptr<Placement> placement(new Placement(std::move(model), unit, arena, rows));
    if (auto error = tried([&] { placement->open(device); })) return std::move(*error);
    return placement;
}

void Placement::open(const ::xrt::device& device) {
    const Manifest& manifest = model_->manifest;
    kernel_ =
        ::xrt::kernel(device, ::xrt::uuid(model_->image), manifest.kernel + ":{" + unit_ + "}");
    for (std::uint32_t i = 0; i < manifest.inputs.size(); ++i)
        inputs_.push_back(tensor_of(Argument::Kind::input, i, manifest.inputs[i]));
    for (std::uint32_t i = 0; i < manifest.outputs.size(); ++i)
        outputs_.push_back(tensor_of(Argument::Kind::output, i, manifest.outputs[i]));
    sets_.resize(arena_.slots);
    open_windows(device);
    for (CallSet& set : sets_) {
        set.run = ::xrt::run(kernel_);
        for (const Tensor& tensor : inputs_) set.inputs.push_back(own_buffer(device, tensor));
        for (const Tensor& tensor : outputs_) set.outputs.push_back(own_buffer(device, tensor));
        set_arguments(set);
    }
}

Placement::Tensor Placement::tensor_of(Argument::Kind kind, std::uint32_t index,
                                       const DeviceTensor& tensor) const {
    auto codec = RowCodec::make(tensor);
    BUNCH_CHECK(codec.ok());  // as the manifest was read
    const auto& arguments = model_->manifest.arguments;
    const auto found = std::find(arguments.begin(), arguments.end(), Argument{kind, index, 0});
    BUNCH_CHECK(found != arguments.end());
    const auto argument = static_cast<int>(found - arguments.begin());
    return {std::move(*codec), argument, kernel_.group_id(argument), std::nullopt};
}

std::size_t Placement::bytes_in_slot() const {
    std::size_t bytes = 0;
    for (const auto* tensors : {&inputs_, &outputs_})
        for (const Tensor& tensor : *tensors)
            bytes += rounded(tensor.codec.client_bytes(rows_), kSegmentAlign);
    return rounded(bytes, kPage);
}

/// For each bank that a tensor lies in as it is, makes that part of the arena which a batch may
/// take the host side of a buffer, slot by slot. Where the driver cannot, tensors are copied.
void Placement::open_windows(const ::xrt::device& device) {
    const std::size_t bytes = bytes_in_slot();
    // A kernel that is not told the rows touches more than a small batch has.
    if (!model_->manifest.tells_rows() || bytes > arena_.slot(0).size()) return;
    for (std::uint32_t slot = 0; slot < arena_.slots; ++slot)
        if (reinterpret_cast<std::uintptr_t>(arena_.slot(slot).data()) % kPage != 0) return;
    for (auto* tensors : {&inputs_, &outputs_}) {
        for (Tensor& tensor : *tensors) {
            if (!tensor.codec.is_identity()) continue;
            const auto known = std::find(groups_.begin(), groups_.end(), tensor.group);
            if (known != groups_.end()) {
                tensor.window = static_cast<std::size_t>(known - groups_.begin());
                continue;
            }
            std::vector<::xrt::bo> windows;
            const auto refused = tried([&] {
                for (std::uint32_t slot = 0; slot < arena_.slots; ++slot)
                    windows.emplace_back(device, arena_.slot(slot).data(), bytes,
                                         as_group(tensor.group));
            });
            if (refused) continue;
            tensor.window = groups_.size();
            groups_.push_back(tensor.group);
            for (std::uint32_t slot = 0; slot < arena_.slots; ++slot)
                sets_[slot].arena.push_back(std::move(windows[slot]));
            memory_bytes_ += bytes * arena_.slots;
            uses_arena_ = true;
        }
    }
}

Placement::Buffer Placement::own_buffer(const ::xrt::device& device, const Tensor& tensor) {
    if (tensor.window) return {};
    const std::size_t bytes = rounded(tensor.codec.device_bytes(rows_), kPage);
    Buffer buffer{::xrt::bo(device, bytes, as_group(tensor.group)), nullptr};
    buffer.host = buffer.bo.map<std::byte*>();
    std::memset(buffer.host, 0, bytes);
    buffer.bo.sync(XCL_BO_SYNC_BO_TO_DEVICE);
    memory_bytes_ += bytes;
    return buffer;
}

void Placement::set_number(::xrt::run& run, std::size_t argument, std::uint64_t value) const {
    // Little-endian: its lower bytes are the number in fewer bytes.
    const std::size_t bytes = model_->kernel().arguments[argument].bytes;
    run.set_arg(static_cast<int>(argument), static_cast<const void*>(&value), bytes);
}

/// Those that stay: own buffers and constants.
void Placement::set_arguments(CallSet& set) const {
    const auto& arguments = model_->manifest.arguments;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].kind == Argument::Kind::value) set_number(set.run, i, arguments[i].value);
        if (arguments[i].kind == Argument::Kind::rows) set_number(set.run, i, rows_);
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (set.inputs[i].bo) set.run.set_arg(inputs_[i].argument, set.inputs[i].bo);
    for (std::size_t i = 0; i < outputs_.size(); ++i)
        if (set.outputs[i].bo) set.run.set_arg(outputs_[i].argument, set.outputs[i].bo);
}

bool Placement::place_in_arena(std::uint32_t slot, CallSet& set, const Tensor& tensor,
                               Buffer& buffer, const std::byte* data, std::size_t bytes) {
    const ::xrt::bo& window = set.arena[*tensor.window];
    const std::byte* const base = arena_.slot(slot).data();
    if (data < base || static_cast<std::size_t>(data - base) + bytes > window.size()) return false;
    buffer.bo = ::xrt::bo(window, bytes, static_cast<std::size_t>(data - base));
    set.run.set_arg(tensor.argument, buffer.bo);
    return true;
}

bool Placement::stage(std::uint32_t slot, std::size_t rows, std::span<const ConstTensorView> inputs,
                      std::span<const TensorView> outputs) {
    CallSet& set = sets_[slot];
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        Tensor& tensor = inputs_[i];
        Buffer& buffer = set.inputs[i];
        const std::size_t bytes = tensor.codec.device_bytes(rows);
        if (buffer.host != nullptr)
            tensor.codec.to_device(inputs[i].bytes.data(), buffer.host, rows);
        else if (!place_in_arena(slot, set, tensor, buffer, inputs[i].bytes.data(), bytes))
            return false;
        buffer.bo.sync(XCL_BO_SYNC_BO_TO_DEVICE, bytes, 0);
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        Tensor& tensor = outputs_[i];
        if (set.outputs[i].host != nullptr) continue;
        if (!place_in_arena(slot, set, tensor, set.outputs[i], outputs[i].bytes.data(),
                            tensor.codec.device_bytes(rows)))
            return false;
    }
    const auto& arguments = model_->manifest.arguments;
    for (std::size_t i = 0; i < arguments.size(); ++i)
        if (arguments[i].kind == Argument::Kind::rows) set_number(set.run, i, rows);
    return true;
}

void Placement::fetch(std::uint32_t slot, std::size_t rows, std::span<const TensorView> outputs) {
    CallSet& set = sets_[slot];
    // At once, since the run has ended; XRT then lets it be started again.
    set.run.wait(std::chrono::milliseconds(1000));
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        Tensor& tensor = outputs_[i];
        Buffer& buffer = set.outputs[i];
        buffer.bo.sync(XCL_BO_SYNC_BO_FROM_DEVICE, tensor.codec.device_bytes(rows), 0);
        if (buffer.host != nullptr)
            tensor.codec.to_client(buffer.host, outputs[i].bytes.data(), rows);
    }
}

void Placement::renew(std::uint32_t slot) {
    CallSet& set = sets_[slot];
    set.run = ::xrt::run(kernel_);
    set_arguments(set);
}

}  // namespace bunch::fpga
