#include "backends/cpu/accuracy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace bunch::cpu {
namespace {

constexpr std::uint32_t kRows = 4;

/// Tensors of one batch and what came of them.
struct Batch {
    std::vector<std::vector<float>> inputs, outputs;

    // Runs `program` on `inputs`.
    Status run(const std::shared_ptr<const Program>& program);
};

Shape shape_of(const TensorSpec& tensor, const Program& program) {
    const std::int64_t rows = std::min(kRows, program.max_rows());
    return program.signature().batched ? tensor.shape.with_rows(rows) : tensor.shape;
}

std::size_t elements_of(const TensorSpec& tensor, const Program& program) {
    return static_cast<std::size_t>(shape_of(tensor, program).elements().value_or(0));
}

Status Batch::run(const std::shared_ptr<const Program>& program) {
    std::vector<ConstTensorView> from;
    std::vector<TensorView> to;
    const ModelSignature& signature = program->signature();
    for (std::size_t i = 0; i < inputs.size(); ++i)
        from.emplace_back(DataType::f32, shape_of(signature.inputs[i], *program),
                          std::as_bytes(std::span(inputs[i])));
    for (const TensorSpec& tensor : signature.outputs)
        outputs.emplace_back(elements_of(tensor, *program));
    for (std::size_t o = 0; o < outputs.size(); ++o)
        to.push_back({DataType::f32, shape_of(signature.outputs[o], *program),
                      std::as_writable_bytes(std::span(outputs[o]))});
    BUNCH_ASSIGN_OR_RETURN(const auto session, Session::open(program));
    return session->run(from, to);
}

double deviation(const std::vector<float>& exact, const std::vector<float>& reduced) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double d = std::abs(static_cast<double>(exact[i]) - static_cast<double>(reduced[i]));
        if (std::isnan(d)) return std::numeric_limits<double>::infinity();
        difference = std::max(difference, d);
        largest = std::max(largest, std::abs(static_cast<double>(exact[i])));
    }
    return largest > 0 ? difference / largest : difference;
}

}  // namespace

Status check_precision(Precision precision) {
    if (precision == Precision::f32) return ok_status();
    if (precision == Precision::int8) return unimplemented("the CPU backend has f32 and bf16");
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16") != 0) return ok_status();
#endif
    return unimplemented("this processor has no instructions for bf16 (AVX512_BF16); use f32");
}

Result<double> deviation_between(const std::shared_ptr<const Program>& exact,
                                 const std::shared_ptr<const Program>& reduced) {
    Batch a, b;
    std::mt19937 random(1);
    for (const TensorSpec& tensor : exact->signature().inputs) {
        std::vector<float> numbers(elements_of(tensor, *exact));
        for (float& number : numbers)
            number = static_cast<float>(static_cast<double>(random()) * 0x1p-31 - 1);
        a.inputs.push_back(numbers);
        b.inputs.push_back(std::move(numbers));
    }
    BUNCH_RETURN_IF_ERROR(a.run(exact));
    BUNCH_RETURN_IF_ERROR(b.run(reduced));
    double worst = 0;
    for (std::size_t o = 0; o < a.outputs.size(); ++o)
        worst = std::max(worst, deviation(a.outputs[o], b.outputs[o]));
    return worst;
}

}  // namespace bunch::cpu
