#include <algorithm>
#include <limits>

#include "protocol/zmq_frames.h"

namespace bunch {
namespace {

std::string quoted(std::string_view name) {
    std::string text("'");
    text.append(name);
    return text.append("'");
}

template <typename Tensors, typename Name>
std::string list_of(const Tensors& tensors, Name name) {
    std::string text;
    for (const auto& tensor : tensors) {
        if (!text.empty()) text += ", ";
        text += quoted(name(tensor));
    }
    return text.empty() ? "none" : text;
}

constexpr auto name_of_tensor = [](const auto& tensor) -> std::string_view { return tensor.name; };

/// Whether type and shape fit, and the number of rows where the model has them.
bool fits(const ModelSignature& signature, const TensorSpec& want, const TensorHeader& have,
          std::int64_t& rows) {
    if (have.type != want.type || !want.shape.admits(have.shape)) return false;
    if (!signature.batched) return true;
    if (have.shape.rank() == 0) return false;
    if (rows < 0) rows = have.shape[0];
    return have.shape[0] == rows;
}

/// Says what does not fit. For the slow path only: it copies names.
Result<std::uint32_t> explain(const ModelSignature& signature, const RequestHeader& header,
                              const std::vector<std::uint32_t>& order) {
    ModelSignature wanted;
    wanted.batched = signature.batched;
    std::vector<TensorSpec> given;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (order[i] == kLeftOut) continue;
        const TensorHeader& tensor = header.inputs[order[i]];
        wanted.inputs.push_back(signature.inputs[i]);
        given.push_back({std::string(tensor.name), tensor.type, tensor.shape});
    }
    return rows_of_call(wanted, given);
}

Status check_frames(const RequestHeader& header, std::span<const std::size_t> frame_bytes) {
    if (frame_bytes.size() != header.inputs.size()) {
        return invalid_argument("the header announces " + std::to_string(header.inputs.size()) +
                                " inputs, but " + std::to_string(frame_bytes.size()) +
                                " frames follow it: send one frame of raw bytes per input");
    }
    for (std::size_t i = 0; i < frame_bytes.size(); ++i) {
        const TensorHeader& tensor = header.inputs[i];
        if (frame_bytes[i] != tensor.bytes) {
            return invalid_argument(
                "the frame of input " + quoted(tensor.name) + " has " +
                std::to_string(frame_bytes[i]) + " bytes, " + std::string(name_of(tensor.type)) +
                " " + tensor.shape.to_string() + " needs " + std::to_string(tensor.bytes));
        }
    }
    return {};
}

/// Finds each of the signature's inputs in the header. All names of a header differ.
Status find_inputs(const ModelSignature& signature, const RequestHeader& header,
                   std::vector<std::uint32_t>& order, std::uint64_t optional) {
    order.clear();
    std::size_t used = 0;
    for (const TensorSpec& want : signature.inputs) {
        const auto found = std::find_if(header.inputs.begin(), header.inputs.end(),
                                        [&](const auto& have) { return have.name == want.name; });
        if (found == header.inputs.end() && (optional >> order.size() & 1) != 0) {
            order.push_back(kLeftOut);
            continue;
        }
        ++used;
        if (found == header.inputs.end()) {
            return invalid_argument("input " + quoted(want.name) + " is missing, the request has " +
                                    list_of(header.inputs, name_of_tensor));
        }
        order.push_back(static_cast<std::uint32_t>(found - header.inputs.begin()));
    }
    if (header.inputs.size() == used) return {};
    for (std::uint32_t i = 0; i < header.inputs.size(); ++i) {
        if (std::find(order.begin(), order.end(), i) == order.end()) {
            return invalid_argument("the model has no input " + quoted(header.inputs[i].name) +
                                    ", its inputs are " +
                                    list_of(signature.inputs, name_of_tensor));
        }
    }
    return {};
}

}  // namespace

Result<std::uint32_t> match_inputs(const ModelSignature& signature, const RequestHeader& header,
                                   std::span<const std::size_t> frame_bytes,
                                   std::vector<std::uint32_t>& order, std::uint64_t optional) {
    BUNCH_RETURN_IF_ERROR(find_inputs(signature, header, order, optional));
    BUNCH_RETURN_IF_ERROR(check_frames(header, frame_bytes));
    std::int64_t rows = -1;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (order[i] == kLeftOut) continue;
        if (!fits(signature, signature.inputs[i], header.inputs[order[i]], rows))
            return explain(signature, header, order);
    }
    if (!signature.batched) return std::uint32_t{1};
    if (rows < 1 || rows > std::numeric_limits<std::uint32_t>::max())
        return explain(signature, header, order);
    return static_cast<std::uint32_t>(rows);
}

Status match_outputs(const ModelSignature& signature, const RequestHeader& header,
                     std::vector<std::uint32_t>& order) {
    order.clear();
    if (header.outputs.empty()) {
        for (std::uint32_t i = 0; i < signature.outputs.size(); ++i) order.push_back(i);
        return {};
    }
    for (const std::string_view name : header.outputs) {
        const auto found = std::find_if(signature.outputs.begin(), signature.outputs.end(),
                                        [&](const auto& output) { return output.name == name; });
        if (found == signature.outputs.end()) {
            return invalid_argument("the model has no output " + quoted(name) +
                                    ", its outputs are " +
                                    list_of(signature.outputs, name_of_tensor));
        }
        order.push_back(static_cast<std::uint32_t>(found - signature.outputs.begin()));
    }
    return {};
}

}  // namespace bunch
