#include "tests/backends/conformance/node_case.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>
#include <span>

#include "backends/graph/onnx_reader.h"
#include "backends/graph/onnx_tensor.h"
#include "backends/kernels/element.h"
#include "backends/kernels/halves.h"

namespace bunch::conformance {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <typename Infos>
Status read_tensors(const fs::path& folder, const std::string& prefix, const Infos& infos,
                    std::vector<Tensor>& tensors) {
    for (int i = 0;; ++i) {
        const fs::path path = folder / (prefix + std::to_string(i) + ".pb");
        if (!fs::exists(path)) return ok_status();
        onnx::TensorProto proto;
        if (i >= infos.size() || !infos[i].type().has_tensor_type() ||
            !proto.ParseFromString(bytes_of(path)))
            return unimplemented(path.filename().string() + " is no tensor");
        BUNCH_ASSIGN_OR_RETURN(Tensor tensor, read_tensor(proto, {}));
        // The files have BF16 as UINT16.
        if (infos[i].type().tensor_type().elem_type() == onnx::TensorProto::BFLOAT16)
            tensor.type = DataType::bf16;
        tensors.push_back(std::move(tensor));
    }
}

NodeCase read_case(const fs::path& folder) {
    NodeCase result;
    result.name = folder.filename().string();
    onnx::ModelProto model;
    if (!model.ParseFromString(bytes_of(folder / "model.onnx")))
        result.unreadable = invalid_argument("no model");
    std::set<std::string> operators;
    for (const auto& node : model.graph().node()) operators.insert(node.op_type());
    for (const std::string& name : operators)
        result.operators += (result.operators.empty() ? "" : "+") + name;
    // The newest version of some operators is older than the oldest set that we read; they mean the
    // same in that one.
    for (auto& opset : *model.mutable_opset_import())
        if (opset.domain().empty())
            opset.set_version(std::max<std::int64_t>(opset.version(), kOldestOpset));
    result.model = model.SerializeAsString();
    const fs::path data = folder / "test_data_set_0";
    result.unreadable = read_tensors(data, "input_", model.graph().input(), result.inputs);
    if (result.unreadable.ok())
        result.unreadable = read_tensors(data, "output_", model.graph().output(), result.outputs);
    return result;
}

double number_at(const ConstTensorView& view, std::int64_t i) {
    using kernels::data;
    switch (view.type) {
        case DataType::f32:
            return static_cast<double>(data<float>(view)[i]);
        case DataType::f64:
            return data<double>(view)[i];
        case DataType::f16:
            return static_cast<double>(kernels::float_from_f16(data<std::uint16_t>(view)[i]));
        case DataType::bf16:
            return static_cast<double>(kernels::float_from_bf16(data<std::uint16_t>(view)[i]));
        default:
            return 0;
    }
}

bool is_float(DataType type) {
    return type == DataType::f32 || type == DataType::f64 || type == DataType::f16 ||
           type == DataType::bf16;
}

}  // namespace

std::vector<NodeCase> read_node_cases(const fs::path& folder) {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(folder))
        if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    std::vector<NodeCase> cases;
    for (const fs::path& path : folders) cases.push_back(read_case(path));
    return cases;
}

std::string difference(const ConstTensorView& actual, const ConstTensorView& expected) {
    if (actual.type != expected.type || !(actual.shape == expected.shape))
        return std::string(name_of(actual.type)) + actual.shape.to_string() + " instead of " +
               std::string(name_of(expected.type)) + expected.shape.to_string();
    if (!is_float(actual.type))
        return std::equal(actual.bytes.begin(), actual.bytes.end(), expected.bytes.begin())
                   ? ""
                   : "other integers";
    for (std::int64_t i = 0; i < kernels::count(actual); ++i) {
        const double a = number_at(actual, i), e = number_at(expected, i);
        const bool same = a == e || (std::isnan(a) && std::isnan(e)) ||
                          std::abs(a - e) <= 1e-7 + 1e-3 * std::abs(e);
        if (!same)
            return std::to_string(a) + " instead of " + std::to_string(e) + " at " +
                   std::to_string(i);
    }
    return "";
}

}  // namespace bunch::conformance
