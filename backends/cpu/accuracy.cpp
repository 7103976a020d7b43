#include "backends/cpu/accuracy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <string>
#include <vector>

namespace bunch::cpu {
namespace {

constexpr std::uint32_t kRows = 4;

/// What both sessions are given.
struct Batch {
    std::vector<TensorSpec> inputs, outputs;  ///< with rows filled in
    std::vector<std::vector<float>> numbers;  ///< of the inputs

    // The outputs of `session`.
    Result<std::vector<std::vector<float>>> run(ModelSession& session) const;
};

std::size_t elements_of(const TensorSpec& tensor) {
    return static_cast<std::size_t>(tensor.shape.elements().value_or(0));
}

Batch make_batch(const ModelSignature& signature, std::uint32_t max_rows) {
    Batch batch{signature.inputs, signature.outputs, {}};
    if (signature.batched)
        for (auto* tensors : {&batch.inputs, &batch.outputs})
            for (TensorSpec& tensor : *tensors)
                tensor.shape = tensor.shape.with_rows(std::min(kRows, max_rows));
    std::mt19937 random(1);
    for (const TensorSpec& tensor : batch.inputs) {
        std::vector<float>& numbers = batch.numbers.emplace_back(elements_of(tensor));
        for (float& number : numbers)
            number = static_cast<float>(static_cast<double>(random()) * 0x1p-31 - 1);
    }
    return batch;
}

Result<std::vector<std::vector<float>>> Batch::run(ModelSession& session) const {
    std::vector<std::vector<float>> made;
    std::vector<ConstTensorView> from;
    std::vector<TensorView> to;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        from.emplace_back(DataType::f32, inputs[i].shape, std::as_bytes(std::span(numbers[i])));
    for (const TensorSpec& tensor : outputs) made.emplace_back(elements_of(tensor));
    for (std::size_t o = 0; o < outputs.size(); ++o)
        to.push_back({DataType::f32, outputs[o].shape, std::as_writable_bytes(std::span(made[o]))});
    std::vector<Shape> ignored;
    BUNCH_RETURN_IF_ERROR(session.run(from, to, ignored));
    return made;
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
    if (precision == Precision::int8) {
        const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
        const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
        if ((has & wanted) == wanted) return ok_status();
        return unimplemented("this processor has no instructions for int8 (AVX512_VNNI); use f32");
    }
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16") != 0) return ok_status();
#endif
    return unimplemented("this processor has no instructions for bf16 (AVX512_BF16); use f32");
}

Result<double> deviation_between(const ModelSignature& signature, std::uint32_t max_rows,
                                 ModelSession& exact, ModelSession& reduced) {
    const Batch batch = make_batch(signature, max_rows);
    BUNCH_ASSIGN_OR_RETURN(const auto wanted, batch.run(exact));
    BUNCH_ASSIGN_OR_RETURN(const auto given, batch.run(reduced));
    double worst = 0;
    for (std::size_t o = 0; o < wanted.size(); ++o)
        worst = std::max(worst, deviation(wanted[o], given[o]));
    return worst;
}

}  // namespace bunch::cpu
