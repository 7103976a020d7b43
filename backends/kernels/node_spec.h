/// One operator of a model as its file describes it: a name, attributes, how many tensors go in and
/// out. Free of any file format.
///
/// Not for: the wiring between operators (backends/graph/operator_graph.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.h"
#include "core/tensor.h"

namespace bunch::kernels {

using Integers = std::vector<std::int64_t>;
using Floats = std::vector<float>;
using Texts = std::vector<std::string>;

/// shared_ptr: a specification is copied freely, its tensors are never changed.
using Attribute = std::variant<std::int64_t, float, std::string, Integers, Floats, Texts,
                               std::shared_ptr<const Tensor>>;

struct NodeSpec {
    std::string type;
    std::string domain;  ///< empty: ONNX's own
    std::string label;   ///< for messages: "node 'conv1' (Conv)"
    std::int64_t opset = 0;
    std::map<std::string, Attribute, std::less<>> attributes;
    std::vector<bool> inputs;   ///< which are there
    std::vector<bool> outputs;  ///< which anybody wants
};

/// Reads the attributes of one node. The first that is wrong is remembered for status().
class Attributes {
  public:
    /// `spec` outlives this.
    explicit Attributes(const NodeSpec& spec) : spec_(spec) {}

    std::int64_t integer(std::string_view name, std::int64_t fallback);
    /// Must be finite.
    float number(std::string_view name, float fallback);
    std::string text(std::string_view name, std::string_view fallback);
    /// The lists are empty when absent.
    Integers integers(std::string_view name);
    Floats numbers(std::string_view name);
    Texts texts(std::string_view name);
    /// Null when absent.
    std::shared_ptr<const Tensor> tensor(std::string_view name);
    bool has(std::string_view name) const { return spec_.attributes.contains(name); }
    /// Says that an attribute may be there and changes nothing for us.
    void ignore(std::string_view name) { asked_.emplace(name); }

    /// An attribute of the wrong type, or a number that is none, among those asked for.
    const Status& problem() const { return problem_; }
    /// The same, or an attribute that nobody asked for.
    Status status() const;

  private:
    template <typename T>
    const T* find(std::string_view name);

    const NodeSpec& spec_;
    std::set<std::string, std::less<>> asked_;
    Status problem_;
};

/// A node while its kernel is made.
struct Node {
    explicit Node(const NodeSpec& given) : spec(given), attributes(given) {}

    const NodeSpec& spec;
    Attributes attributes;

    std::int64_t opset() const { return spec.opset; }
    bool has_input(std::size_t i) const { return i < spec.inputs.size() && spec.inputs[i]; }
    bool wants_output(std::size_t i) const { return i < spec.outputs.size() && spec.outputs[i]; }
    /// Ok if the first `least` inputs are there and no more than `most`.
    Status check_inputs(std::size_t least, std::size_t most) const;
    Status wrong(std::string_view what) const {
        return invalid_argument(spec.label + " " + std::string(what));
    }
    Status unsupported(std::string_view what) const {
        return unimplemented(spec.label + " " + std::string(what) + " is not supported");
    }
};

}  // namespace bunch::kernels
