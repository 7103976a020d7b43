#include "daemon/image_table.h"

#include "core/check.h"

namespace bunch {

void ImageTable::describe(ModelId model, const LoadedModel& loaded, InstanceInfo& info) {
    info.state = InstanceState::ready;
    if (loaded.image.empty()) return;
    const auto next = static_cast<ImageNumber>(numbers_.size() + 1);
    info.image = numbers_.emplace(loaded.image, next).first->second;
    info.load_time = loaded.load_time;
    if (loaded.resident) held_ = info.image;
    if (info.image != held_) info.state = InstanceState::loadable;
    models_[model] = info;
}

std::vector<InstanceInfo> ImageTable::hold(ModelId model) {
    const auto found = models_.find(model);
    BUNCH_CHECK(found != models_.end());
    held_ = found->second.image;
    return states();
}

std::vector<InstanceInfo> ImageTable::lose(ModelId model) {
    for (const ModelId other : models_with(model)) models_.erase(other);
    held_ = 0;
    return states();
}

std::vector<ModelId> ImageTable::models_with(ModelId model) const {
    const auto found = models_.find(model);
    BUNCH_CHECK(found != models_.end());
    std::vector<ModelId> same;
    for (const auto& [id, info] : models_)
        if (info.image == found->second.image) same.push_back(id);
    return same;
}

void ImageTable::clear() {
    models_.clear();
    held_ = 0;
}

std::vector<InstanceInfo> ImageTable::states() const {
    std::vector<InstanceInfo> all;
    for (const auto& [id, info] : models_) {
        all.push_back(info);
        all.back().state = info.image == held_ ? InstanceState::ready : InstanceState::loadable;
    }
    return all;
}

}  // namespace bunch
