#include "backends/graph/onnx_attributes.h"

#include "backends/graph/onnx_tensor.h"

namespace bunch {
namespace {

using kernels::Attribute;

// Cast and EyeLike name a type by ONNX's number.
bool names_a_type(const std::string& op, const std::string& attribute) {
    return (op == "Cast" && attribute == "to") || (op == "EyeLike" && attribute == "dtype");
}

std::int64_t our_type(std::int64_t number) {
    const auto type = data_type_of_onnx(number);
    return type ? static_cast<std::int64_t>(*type) : -1;
}

Result<Attribute> attribute_of(const onnx::AttributeProto& proto,
                               const std::filesystem::path& folder) {
    switch (proto.type()) {
        case onnx::AttributeProto::INT:
            return Attribute(std::int64_t{proto.i()});
        case onnx::AttributeProto::FLOAT:
            return Attribute(proto.f());
        case onnx::AttributeProto::STRING:
            return Attribute(proto.s());
        case onnx::AttributeProto::INTS:
            return Attribute(kernels::Integers(proto.ints().begin(), proto.ints().end()));
        case onnx::AttributeProto::FLOATS:
            return Attribute(kernels::Floats(proto.floats().begin(), proto.floats().end()));
        case onnx::AttributeProto::STRINGS:
            return Attribute(kernels::Texts(proto.strings().begin(), proto.strings().end()));
        case onnx::AttributeProto::TENSOR: {
            BUNCH_ASSIGN_OR_RETURN(Tensor tensor, read_tensor(proto.t(), folder));
            return Attribute(std::make_shared<const Tensor>(std::move(tensor)));
        }
        default:
            return unimplemented("attribute '" + proto.name() +
                                 "' has a type that is not supported");
    }
}

}  // namespace

Result<kernels::NodeSpec> spec_of(const onnx::NodeProto& proto, const std::string& label,
                                  std::int64_t opset, const std::filesystem::path& folder) {
    kernels::NodeSpec spec;
    spec.type = proto.op_type();
    spec.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
    spec.label = label;
    spec.opset = opset;
    for (const auto& given : proto.attribute()) {
        if (given.type() == onnx::AttributeProto::GRAPH) continue;
        Result<Attribute> attribute = attribute_of(given, folder);
        if (!attribute.ok()) return attribute.status().with_context(label);
        if (names_a_type(spec.type, given.name()) && given.type() == onnx::AttributeProto::INT)
            attribute = Attribute(our_type(given.i()));
        if (!spec.attributes.emplace(given.name(), std::move(attribute).value()).second)
            return invalid_argument(label + ": attribute '" + given.name() + "' is given twice");
    }
    return spec;
}

}  // namespace bunch
