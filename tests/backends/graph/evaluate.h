/// One operation in double precision, by the text of the ONNX standard. Internal to evaluate().
#pragma once

#include <string>
#include <vector>

#include "tests/backends/graph/network.h"

namespace bunch::test_network {

/// An operation with what it reads; an input that is left out is empty.
struct Task {
    const Operation& operation;
    std::int64_t opset;
    std::vector<Array> inputs;
    std::vector<Extents> integers;  ///< of inputs that are INT64 constants, at their place

    std::int64_t integer(const std::string& name, std::int64_t fallback) const;
    double number(const std::string& name, double fallback) const;
    std::string text(const std::string& name, const std::string& fallback) const;
    Extents list(const std::string& name, const Extents& fallback) const;
};

Array convolve(const Task& task);
Array pool(const Task& task);
Array gemm(const Task& task);
Array mat_mul(const Task& task);
Array batch_norm(const Task& task);
Array softmax(const Task& task);
Array reshape(const Task& task);
Array flatten(const Task& task);
Array transpose(const Task& task);
Array concat(const Task& task);
Array pointwise(const Task& task);

}  // namespace bunch::test_network
