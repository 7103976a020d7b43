#include "backends/host/model_book.h"

#include <algorithm>
#include <utility>

#include "backends/wire/segments.h"
#include "core/check.h"

namespace bunch {
namespace {

constexpr std::uint32_t kRunnersToLose = 2;

Status about(const ModelSpec& spec, const Status& status) {
    return status.with_context("model '" + spec.name + "'");
}

}  // namespace

void ModelBook::add(ModelId id, ModelSpec spec) {
    BUNCH_CHECK(entries_.count(id) == 0);
    Entry& entry = entries_[id];
    entry.known = spec.signature;
    if (!trials_ || spec.path.empty()) entry.progress = Progress::ready;
    entry.spec = std::move(spec);
}

bool ModelBook::remove(ModelId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return false;
    const Progress progress = found->second.progress;
    entries_.erase(found);
    return progress == Progress::loading || progress == Progress::loaded;
}

std::optional<wire::Load> ModelBook::next_trial() {
    for (auto& [id, entry] : entries_) {
        if (entry.progress != Progress::untried) continue;
        entry.progress = Progress::trying;
        return wire::Load{id, entry.spec};
    }
    return std::nullopt;
}

void ModelBook::trial_done(ModelId id, const Result<LoadedModel>& result,
                           std::vector<HostEvent>& events) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.progress != Progress::trying) return;
    Entry& entry = found->second;
    if (!result.ok()) return fail(id, entry, result.status(), events);
    entry.progress = Progress::ready;
    entry.known = result->signature;
}

std::optional<wire::Load> ModelBook::next_load(std::uint64_t slot_bytes,
                                               std::vector<HostEvent>& events) {
    if (loading_) return std::nullopt;
    for (auto& [id, entry] : entries_) {
        if (entry.progress != Progress::ready) continue;
        wire::Load request{id, entry.spec};
        if (!entry.known.inputs.empty()) {
            const std::uint32_t rows = rows_that_fit(entry.known, slot_bytes);
            request.spec.max_batch_rows = std::min(request.spec.max_batch_rows, rows);
        }
        if (request.spec.max_batch_rows == 0) {
            fail(id, entry, too_large(entry.spec, slot_bytes), events);
            continue;
        }
        entry.progress = Progress::loading;
        loading_ = id;
        return request;
    }
    return std::nullopt;
}

void ModelBook::load_done(const wire::Loaded& answer, std::uint64_t slot_bytes,
                          std::vector<HostEvent>& events) {
    BUNCH_CHECK(loading_ == answer.model);
    loading_.reset();
    const auto found = entries_.find(answer.model);
    if (found == entries_.end() || found->second.progress != Progress::loading) return;
    Entry& entry = found->second;
    if (answer.status.code() == StatusCode::resource_exhausted)
        return wait(answer.model, entry, about(entry.spec, answer.status), events);
    if (!answer.status.ok())
        return fail(answer.model, entry, about(entry.spec, answer.status), events);
    LoadedModel loaded = answer.loaded;
    loaded.max_batch_rows = std::min({loaded.max_batch_rows, entry.spec.max_batch_rows,
                                      rows_that_fit(loaded.signature, slot_bytes)});
    if (loaded.max_batch_rows == 0)
        return fail(answer.model, entry, too_large(entry.spec, slot_bytes), events);
    entry.progress = Progress::loaded;
    entry.runners_lost = 0;
    entry.told.clear();
    events.emplace_back(InstanceUp{answer.model, std::move(loaded)});
}

bool ModelBook::has_waiting() const {
    return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
        return entry.second.progress == Progress::waiting;
    });
}

void ModelBook::retry_waiting() {
    for (auto& [id, entry] : entries_)
        if (entry.progress == Progress::waiting) entry.progress = Progress::ready;
}

void ModelBook::load_failed(ModelId id, const Status& status, std::vector<HostEvent>& events) {
    if (loading_ == id) loading_.reset();
    const auto found = entries_.find(id);
    if (found != entries_.end()) fail(id, found->second, about(found->second.spec, status), events);
}

void ModelBook::runner_lost(bool device_broke, std::vector<HostEvent>& events) {
    loading_.reset();
    retry_waiting();
    for (auto& [id, entry] : entries_) {
        if (entry.progress == Progress::loaded) entry.progress = Progress::ready;
        if (entry.progress != Progress::loading) continue;
        entry.progress = Progress::ready;
        if (device_broke || ++entry.runners_lost < kRunnersToLose) continue;
        fail(id, entry,
             about(entry.spec,
                   internal_error("device '" + device_ + "' was lost " +
                                  std::to_string(kRunnersToLose) + " times while loading it")),
             events);
    }
}

Status ModelBook::too_large(const ModelSpec& spec, std::uint64_t slot_bytes) const {
    return resource_exhausted(
        "model '" + spec.name + "': the inputs and outputs of one row do not " + "fit a slot of " +
        std::to_string(slot_bytes) + " bytes: raise arena_bytes of device '" + device_ + "'");
}

/// Told once, however often it is tried.
void ModelBook::wait(ModelId id, Entry& entry, const Status& status,
                     std::vector<HostEvent>& events) {
    entry.progress = Progress::waiting;
    if (entry.told == status.message()) return;
    entry.told = status.message();
    events.emplace_back(InstanceFailed{id, status});
}

void ModelBook::fail(ModelId id, Entry& entry, const Status& status,
                     std::vector<HostEvent>& events) {
    entry.progress = Progress::failed;
    events.emplace_back(InstanceFailed{id, status});
}

}  // namespace bunch
