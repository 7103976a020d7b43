/// Headers for the codec's tests, made with the classes that protoc generated: so that both sides
/// of a test share no code.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "protocol/kserve_v2.pb.h"

namespace bunch {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

inline void add_input(inference::ModelInferRequest& request, const std::string& name,
                      const std::string& datatype, std::initializer_list<std::int64_t> shape) {
    auto* input = request.add_inputs();
    input->set_name(name);
    input->set_datatype(datatype);
    for (const std::int64_t extent : shape) input->add_shape(extent);
}

/// A request with all that a good one may have.
inline inference::ModelInferRequest full_request() {
    inference::ModelInferRequest request;
    request.set_model_name("muon");
    request.set_model_version("2");
    request.set_id("4711");
    auto& parameters = *request.mutable_parameters();
    parameters["client"].set_string_param("worker-07");
    parameters["timeout"].set_int64_param(2500);
    parameters["priority"].set_uint64_param(1);
    parameters["tenant"].set_string_param("analysis");
    parameters["late_ok"].set_bool_param(true);
    parameters["sequence_start"].set_bool_param(true);
    add_input(request, "x", "FP32", {1, 5});
    add_input(request, "mask", "BOOL", {1, 300});
    request.add_outputs()->set_name("y");
    return request;
}

/// The smallest request that is accepted.
inline inference::ModelInferRequest small_request() {
    inference::ModelInferRequest request;
    request.set_model_name("muon");
    (*request.mutable_parameters())["client"].set_string_param("w");
    return request;
}

inline inference::ModelInferResponse full_response() {
    inference::ModelInferResponse response;
    response.set_model_name("muon");
    response.set_model_version("2");
    response.set_id("4711");
    auto& parameters = *response.mutable_parameters();
    parameters["credit_bytes"].set_int64_param(1 << 20);
    parameters["device_class"].set_string_param("cpu");
    parameters["precision"].set_string_param("f32");
    auto* output = response.add_outputs();
    output->set_name("y");
    output->set_datatype("FP32");
    output->add_shape(1);
    output->add_shape(3);
    return response;
}

}  // namespace bunch
