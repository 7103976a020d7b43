/// Networks as tests describe them: names and numbers, close to ONNX, but shared with neither the
/// reader nor the executor. onnx_bytes() writes one as a file, evaluate() computes it in double
/// precision.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace bunch::test_network {

using Extents = std::vector<std::int64_t>;
using Attribute = std::variant<std::int64_t, float, std::string, Extents>;

/// Numbers with extents, row-major.
struct Array {
    Extents extents;
    std::vector<double> numbers;
};
using Arrays = std::map<std::string, Array>;

struct Operation {
    std::string type;
    std::vector<std::string> inputs;
    std::string output;
    std::map<std::string, Attribute> attributes;
};

struct Port {
    std::string name;
    Extents extents;  ///< -1 where open
};

struct Network {
    std::int64_t opset = 13;
    std::vector<Port> inputs;
    std::vector<std::string> outputs;
    Arrays constants;                         ///< written as FP32
    std::map<std::string, Extents> integers;  ///< constants of type INT64, one-dimensional
    std::vector<Operation> operations;        ///< in the order in which they run
};

/// An ONNX file.
std::string onnx_bytes(const Network& network);

/// The outputs for these inputs, whose first extents may be any where the network leaves it open.
Arrays evaluate(const Network& network, const Arrays& inputs);

/// Product of the extents.
std::size_t count(const Extents& extents);

}  // namespace bunch::test_network
