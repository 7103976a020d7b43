#include "daemon/model_table.h"

#include "core/check.h"

namespace bunch {

std::string_view name_of(ModelState state) {
    switch (state) {
        case ModelState::loading:
            return "loading";
        case ModelState::ready:
            return "ready";
        case ModelState::unavailable:
            return "unavailable";
        case ModelState::refused:
            return "refused";
    }
    return "unknown";
}

ServedModel& ModelTable::add(ModelId id, const ModelSpec& spec) {
    BUNCH_CHECK(id.value == models_.size());
    ServedModel& model = models_.emplace_back();
    model.id = id;
    model.spec = spec;
    by_name_[spec.name].push_back(&model);
    return model;
}

Result<ServedModel*> ModelTable::find(std::string_view name, std::string_view version) {
    const auto named = by_name_.find(name);
    if (named == by_name_.end()) {
        return not_found("Request for unknown model: '" + std::string(name) +
                         "' is not served here");
    }
    if (version.empty()) return named->second.back();
    std::string known;
    for (ServedModel* model : named->second) {
        if (model->spec.version == version) return model;
        known += (known.empty() ? "" : ", ") + model->spec.version;
    }
    return not_found("Request for unknown model: '" + std::string(name) + "' has no version '" +
                     std::string(version) + "' (there is " + known + ")");
}

ServedModel* ModelTable::find(ModelId id) {
    return id.value < models_.size() ? &models_[id.value] : nullptr;
}

}  // namespace bunch
