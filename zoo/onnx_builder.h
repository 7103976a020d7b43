/// Builds an ONNX model layer by layer, weights drawn as it goes. Every method adds one node (or a
/// few) and returns the name of its output. Not a general ONNX writer: only what the zoo's models
/// need, all of it opset 13, FP32, with the open dimension "N" in front.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/status.h"
#include "zoo/random.h"

namespace bunch {

/// A square convolution or pooling window.
struct Window {
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    std::int64_t padding = 0;
};

/// What the running statistics of a batch normalisation are drawn around. `gain` is the standard
/// deviation of what comes out, if what goes in has mean 0 and variance `variance`.
struct NormStatistics {
    double variance = 1;
    double gain = 1;
};

class OnnxBuilder {
  public:
    using Attribute = std::variant<std::int64_t, std::vector<std::int64_t>, std::vector<float>,
                                   std::vector<std::string>>;
    using Attributes = std::vector<std::pair<std::string, Attribute>>;

    OnnxBuilder(const std::string& graph_name, std::uint64_t seed);

    /// Declares the input [N, extents...]; -1 is an extent left open, by the name `open`.
    std::string input(const std::string& name, const std::vector<std::int64_t>& extents,
                      const std::string& open = "");

    /// Declares `value`, which a node made, as the output [N, extents...] under that name.
    void output(const std::string& value, const std::string& name,
                const std::vector<std::int64_t>& extents);

    /// He-initialised weights times `scale`, no bias.
    std::string convolution(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                            Window window, double scale = 1);
    std::string batch_norm(const std::string& x, std::int64_t channels, NormStatistics statistics);
    std::string relu(const std::string& x);
    std::string add(const std::string& a, const std::string& b);
    std::string max_pool(const std::string& x, Window window);
    std::string global_average_pool(const std::string& x);
    std::string flatten(const std::string& x);
    /// y = x W^T + b with He-initialised weights and a small bias.
    std::string dense(const std::string& x, std::int64_t inputs, std::int64_t outputs);
    /// The same with W [outputs, inputs] and b [outputs] as given.
    std::string dense(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                      const std::vector<float>& w, const std::vector<float>& b);

    /// y = x W + b along the last extent, for inputs of any rank: MatMul and Add.
    std::string linear(const std::string& x, std::int64_t inputs, std::int64_t outputs);
    /// A convolution without padding over `kernel` (1 or 2 extents), with bias.
    std::string plain_convolution(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                                  const std::vector<std::int64_t>& kernel, std::int64_t stride = 1);

    /// `count` complete binary trees of `depth` tests each on the `features` columns of `x`, which
    /// are drawn as if these were normal numbers; the sum of a leaf per tree is a log-odds.
    std::string trees(const std::string& x, std::int64_t features, std::int64_t count, int depth);

    /// Any other operator.
    std::string apply(const std::string& op, const std::vector<std::string>& inputs,
                      const Attributes& attributes = {});
    /// The same for one with two outputs of which the second is wanted.
    std::string second_of(const std::string& op, const std::vector<std::string>& inputs,
                          const Attributes& attributes = {});
    /// A constant of integers; one number alone is a list of one.
    std::string integers(const std::vector<std::int64_t>& numbers);
    /// A table of normal numbers.
    std::string table(const std::vector<std::int64_t>& extents, double deviation);

    /// The next number after those of the weights, as a seed for something else.
    std::uint64_t draw() { return random_.bits(); }

    const onnx::ModelProto& model() const { return model_; }
    /// From now on this is `model`. Nothing can be added to it.
    void replace(onnx::ModelProto model) { model_ = std::move(model); }

    /// Writes a temporary file next to `path` and renames it, so that no reader sees half a model.
    Status write(const std::string& path) const;

  private:
    std::string node(const std::string& op, const std::vector<std::string>& inputs);
    void attribute(const std::string& name, std::int64_t value);
    void attribute(const std::string& name, const std::vector<std::int64_t>& values);
    void attribute(const std::string& name, const std::vector<float>& values);
    void attribute(const std::string& name, const std::vector<std::string>& values);
    onnx::AttributeProto& add_attribute(const std::string& name, int type);
    void window_attributes(Window window);
    std::string weights(const std::string& role, const std::vector<std::int64_t>& extents,
                        const std::vector<float>& values);
    std::vector<float> normal_values(std::int64_t count, double mean, double deviation);
    std::vector<float> uniform_values(std::int64_t count, double low, double high);

    onnx::ModelProto model_;
    Random random_;
    int nodes_ = 0;
    int integers_ = 0;
};

}  // namespace bunch
