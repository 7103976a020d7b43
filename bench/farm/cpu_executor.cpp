#include "backends/cpu/cpu_backend.h"

#include <cstring>
#include <string>
#include <utility>

#include "bench/farm/executor.h"
#include "bench/farm/shared_memory.h"

namespace bunch::farm {
namespace {

constexpr ModelId kModel{1};

/// One lane of the backend and its arena: input first, then output.
class CpuExecutor : public Executor {
  public:
    CpuExecutor(const ModelSignature& signature, std::uint32_t rows)
        : input_shape_(signature.inputs[0].shape.with_rows(rows)),
          output_shape_(signature.outputs[0].shape.with_rows(rows)),
          input_bytes_(*byte_size(DataType::f32, input_shape_)),
          output_bytes_(*byte_size(DataType::f32, output_shape_)),
          arena_(output_at() + output_bytes_) {}

    std::span<std::byte> arena() const { return {arena_.data(), arena_.size()}; }
    void use(std::unique_ptr<Lane> lane) { lane_ = std::move(lane); }

    Status run(std::span<const float> input, std::span<float> output) override {
        if (input.size_bytes() != input_bytes_ || output.size_bytes() != output_bytes_)
            return invalid_argument("a request is not of the size that was prepared");
        std::memcpy(arena_.data(), input.data(), input_bytes_);
        const ConstTensorView in(DataType::f32, input_shape_, arena().first(input_bytes_));
        const TensorView out = {DataType::f32, output_shape_, arena().subspan(output_at())};
        BUNCH_RETURN_IF_ERROR(lane_->submit(SlotId{0}, kModel, {&in, 1}, {&out, 1}));
        const auto completion = lane_->wait(kNever);
        if (!completion) return internal_error("the lane lost a batch");
        BUNCH_RETURN_IF_ERROR(completion->status);
        std::memcpy(output.data(), out.bytes.data(), output_bytes_);
        return ok_status();
    }

  private:
    std::size_t output_at() const { return (input_bytes_ + 63) / 64 * 64; }

    Shape input_shape_, output_shape_;
    std::size_t input_bytes_, output_bytes_;
    SharedBytes arena_;
    std::unique_ptr<Lane> lane_;
};

class CpuSource : public ExecutorSource {
  public:
    CpuSource(std::unique_ptr<Backend> backend, ModelSignature signature, std::uint32_t rows)
        : backend_(std::move(backend)), signature_(std::move(signature)), rows_(rows) {}

    Result<std::unique_ptr<Executor>> open() override {
        auto executor = std::make_unique<CpuExecutor>(signature_, rows_);
        BUNCH_ASSIGN_OR_RETURN(auto lane, backend_->open_lane(0, executor->arena()));
        executor->use(std::move(lane));
        return std::unique_ptr<Executor>(std::move(executor));
    }

  private:
    std::unique_ptr<Backend> backend_;
    ModelSignature signature_;
    std::uint32_t rows_;
};

}  // namespace

Result<std::unique_ptr<ExecutorSource>> load_on_cpu(const std::string& path, std::uint32_t rows) {
    BUNCH_ASSIGN_OR_RETURN(auto backend, make_cpu_backend({{"lanes", "1"}}));
    ModelSpec model;
    model.name = path;
    model.path = path;
    model.max_batch_rows = rows;
    BUNCH_ASSIGN_OR_RETURN(LoadedModel loaded, backend->load(kModel, model));
    if (loaded.signature.inputs.size() != 1 || loaded.signature.outputs.size() != 1)
        return invalid_argument("model '" + path + "' needs exactly one input and one output");
    return std::unique_ptr<ExecutorSource>(
        std::make_unique<CpuSource>(std::move(backend), std::move(loaded.signature), rows));
}

}  // namespace bunch::farm
