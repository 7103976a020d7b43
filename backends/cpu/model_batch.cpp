// Made-up batches for the model tool.
#include <unistd.h>

#include <algorithm>
#include <new>
#include <random>

#include "backends/cpu/model_commands.h"

namespace bunch::cpu {
namespace {

constexpr std::size_t kOpenOutput = std::size_t{64} << 20;

void fill(Tensor& tensor, unsigned seed) {
    const auto bytes = tensor.buffer.bytes();
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    if (tensor.type != DataType::f32) return;
    std::mt19937 random(seed);
    auto* numbers = reinterpret_cast<float*>(bytes.data());
    for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i)
        numbers[i] = static_cast<float>(static_cast<double>(random()) * 0x1p-31 - 1);
}

Result<Tensor> make_tensor(const TensorSpec& spec, const Shape& shape) {
    const std::string label = "tensor '" + spec.name + "' of shape " + shape.to_string();
    const auto bytes = byte_size(spec.type, shape);
    if (!bytes) return invalid_argument(label + " is too large");
    const auto memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
    if (*bytes > memory)
        return resource_exhausted(label + " needs " + std::to_string(*bytes >> 20) +
                                  " MiB; this machine has " + std::to_string(memory >> 20));
    try {
        return Tensor{spec.type, shape, Buffer::allocate(static_cast<std::size_t>(*bytes))};
    } catch (const std::bad_alloc&) {
        return resource_exhausted("not enough memory for " + label);
    }
}

}  // namespace

std::string text_of(const TensorSpec& tensor) {
    return std::string(name_of(tensor.type)) + tensor.shape.to_string();
}

Result<std::shared_ptr<const CpuModel>> load_for(const ModelArguments& arguments,
                                                 std::uint32_t rows, unsigned threads) {
    CpuModelOptions options;
    options.max_rows = rows;
    options.threads = threads;
    options.planned = !arguments.node_by_node;
    options.precision = precision_named(arguments.precision).value_or(Precision::f32);
    options.plan_cache = arguments.plan_cache;
    options.program.timed = !arguments.plan_cache.empty();
    return CpuModel::load(arguments.file, options);
}

Status make_outputs(const ModelSignature& signature, std::uint32_t rows, ModelBatch& batch) {
    for (const Tensor& input : batch.inputs) batch.input_views.push_back(input.view());
    for (const TensorSpec& spec : signature.outputs) {
        const Shape shape = signature.batched ? spec.shape.with_rows(rows) : spec.shape;
        if (shape.is_open()) {
            batch.outputs.push_back({spec.type, shape, Buffer::allocate(kOpenOutput)});
        } else {
            BUNCH_ASSIGN_OR_RETURN(Tensor output, make_tensor(spec, shape));
            batch.outputs.push_back(std::move(output));
        }
    }
    for (Tensor& output : batch.outputs) batch.output_views.push_back(output.view());
    return ok_status();
}

Status make_batch(const ModelSignature& signature, std::uint32_t rows, std::int64_t length,
                  ModelBatch& batch) {
    for (const TensorSpec& spec : signature.inputs) {
        Shape shape = signature.batched ? spec.shape.with_rows(rows) : spec.shape;
        for (std::size_t i = 0; i < shape.rank(); ++i)
            if (shape[i] == kAnyExtent) shape.set(i, length);
        BUNCH_ASSIGN_OR_RETURN(Tensor input, make_tensor(spec, shape));
        fill(input, 1);
        batch.inputs.push_back(std::move(input));
    }
    return make_outputs(signature, rows, batch);
}

}  // namespace bunch::cpu
