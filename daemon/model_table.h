/// Which models the daemon serves, and what state each is in. Used by the reactor thread only.
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"
#include "daemon/padding.h"
#include "daemon/shape_classes.h"

namespace bunch {

enum class ModelState : std::uint8_t {
    loading,      ///< no runner has loaded it yet
    ready,        ///< at least one live instance
    unavailable,  ///< loaded before, no live instance now
    refused,      ///< no device could load it; see the message
};
std::string_view name_of(ModelState state);

struct ServedModel {
    ModelId id;
    ModelSpec spec;  ///< with the signature that a runner reported, once loaded
    ModelState state = ModelState::loading;
    std::string message;                 ///< why it is refused or unavailable
    std::set<std::uint32_t> loaded_on;   ///< DeviceIds of live instances
    std::set<std::uint32_t> refused_by;  ///< DeviceIds that could not load it
    bool has_signature = false;
    bool has_shape_classes = false;  ///< its inputs differ in more than their rows
    ShapeClasses shape_classes;
    Padding padding;
    std::uint64_t served = 0;  ///< calls answered well
    std::uint64_t failed = 0;
    std::uint64_t batches = 0;
    std::uint64_t batch_rows = 0;
};

class ModelTable {
  public:
    ServedModel& add(ModelId id, const ModelSpec& spec);

    /// `version` "" is the latest configured. not_found says which versions there are; the text
    /// contains "Request for unknown model", which existing clients look for.
    Result<ServedModel*> find(std::string_view name, std::string_view version);

    /// Null for an id that was never added.
    ServedModel* find(ModelId id);

    std::deque<ServedModel>& all() { return models_; }
    const std::deque<ServedModel>& all() const { return models_; }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };

    std::deque<ServedModel> models_;  ///< index is ModelId
    std::unordered_map<std::string, std::vector<ServedModel*>, Hash, std::equal_to<>> by_name_;
};

}  // namespace bunch
