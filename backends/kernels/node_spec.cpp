#include "backends/kernels/node_spec.h"

#include <cmath>

namespace bunch::kernels {

template <typename T>
const T* Attributes::find(std::string_view name) {
    asked_.emplace(name);
    const auto found = spec_.attributes.find(name);
    if (found == spec_.attributes.end()) return nullptr;
    const T* value = std::get_if<T>(&found->second);
    if (value == nullptr && problem_.ok())
        problem_ = invalid_argument("attribute '" + std::string(name) + "' has the wrong type");
    return value;
}

std::int64_t Attributes::integer(std::string_view name, std::int64_t fallback) {
    const auto* value = find<std::int64_t>(name);
    return value ? *value : fallback;
}

float Attributes::number(std::string_view name, float fallback) {
    const auto* value = find<float>(name);
    if (value == nullptr) return fallback;
    if (!std::isfinite(*value) && problem_.ok())
        problem_ = invalid_argument("attribute '" + std::string(name) + "' is not a finite number");
    return *value;
}

std::string Attributes::text(std::string_view name, std::string_view fallback) {
    const auto* value = find<std::string>(name);
    return value ? *value : std::string(fallback);
}

Integers Attributes::integers(std::string_view name) {
    const auto* value = find<Integers>(name);
    return value ? *value : Integers();
}

Floats Attributes::numbers(std::string_view name) {
    const auto* value = find<Floats>(name);
    return value ? *value : Floats();
}

Texts Attributes::texts(std::string_view name) {
    const auto* value = find<Texts>(name);
    return value ? *value : Texts();
}

std::shared_ptr<const Tensor> Attributes::tensor(std::string_view name) {
    const auto* value = find<std::shared_ptr<const Tensor>>(name);
    return value ? *value : nullptr;
}

Status Attributes::status() const {
    if (!problem_.ok()) return problem_;
    for (const auto& [name, value] : spec_.attributes)
        if (!asked_.contains(name))
            return unimplemented("attribute '" + name + "' is not supported");
    return ok_status();
}

Status Node::check_inputs(std::size_t least, std::size_t most) const {
    std::size_t given = spec.inputs.size();
    while (given > 0 && !spec.inputs[given - 1]) --given;
    bool complete = given >= least && given <= most;
    for (std::size_t i = 0; i < least && complete; ++i) complete = has_input(i);
    if (complete) return ok_status();
    return wrong("has " + std::to_string(given) + " inputs where " + std::to_string(least) +
                 (most > least ? " to " + std::to_string(most) : "") + " are needed");
}

}  // namespace bunch::kernels
