/// Writes the few ONNX operators that a muon network needs, opset 13. Every method adds one node
/// and returns the name of its output, which is the name that the caller gives it: the graph is
/// meant to be read. Not a general ONNX writer.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bunch::muon {

class OnnxGraph {
  public:
    explicit OnnxGraph(const std::string& name);

    /// INT32 [N, columns].
    std::string input(const std::string& name, std::int64_t columns);
    void output(const std::string& name, std::int64_t columns);

    std::string node(const std::string& op, const std::vector<std::string>& inputs,
                     const std::string& name);
    std::string cast(const std::string& x, onnx::TensorProto::DataType type,
                     const std::string& name);
    /// Along the columns.
    std::string concat(const std::vector<std::string>& parts, const std::string& name);
    /// Column by column; outputs have these names.
    void split(const std::string& x, const std::vector<std::string>& names);
    /// `x` [N, 1] as index into `table`.
    std::string look_up(const std::string& table, const std::string& x, const std::string& name);

    /// Constants; return their name.
    std::string integer(const std::string& name, std::int32_t value);
    std::string integers(const std::string& name, std::span<const std::int32_t> values);
    std::string number(const std::string& name, float value);
    std::string numbers(const std::string& name, std::span<const float> values);
    std::string byte(const std::string& name, std::uint8_t value);
    /// INT8 with these extents.
    std::string bytes(const std::string& name, std::span<const std::int8_t> values,
                      const std::vector<std::int64_t>& extents);

    /// An attribute of the node that was added last.
    void attribute(const std::string& name, std::int64_t value);
    void note(const std::string& key, const std::string& value);

    const onnx::ModelProto& model() const { return model_; }

  private:
    onnx::TensorProto& constant(const std::string& name, onnx::TensorProto::DataType type,
                                const std::vector<std::int64_t>& extents);

    onnx::ModelProto model_;
};

}  // namespace bunch::muon
