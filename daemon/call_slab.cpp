#include "daemon/call_slab.h"

#include "core/check.h"

namespace bunch {

OpenCall& CallSlab::draft() {
    BUNCH_CHECK(!has_draft_);
    if (free_.empty()) {
        entries_.emplace_back();
        free_.push_back(static_cast<std::uint32_t>(entries_.size() - 1));
    }
    draft_ = free_.back();
    free_.pop_back();
    has_draft_ = true;
    return entries_[draft_].open;
}

CallId CallSlab::open() {
    BUNCH_CHECK(has_draft_);
    has_draft_ = false;
    Entry& entry = entries_[draft_];
    entry.used = true;
    OpenCall& open = entry.open;
    open.closed = false;
    open.pins = 0;
    open.rows_left = open.call.rows;
    open.input_bytes = 0;
    for (const Tensor& input : open.call.inputs) open.input_bytes += input.buffer.size();
    bytes_ += open.input_bytes;
    ++open_;
    return id_of(draft_);
}

void CallSlab::abandon() {
    BUNCH_CHECK(has_draft_);
    has_draft_ = false;
    recycle(draft_);
}

CallSlab::Entry* CallSlab::entry_of(CallId id) {
    const auto index = static_cast<std::uint32_t>(id.value);
    if (index >= entries_.size()) return nullptr;
    Entry& entry = entries_[index];
    return entry.used && entry.generation == id.value >> 32 ? &entry : nullptr;
}

OpenCall* CallSlab::find(CallId id) {
    Entry* entry = entry_of(id);
    return entry != nullptr && !entry->open.closed ? &entry->open : nullptr;
}

void CallSlab::close(CallId id) {
    Entry* entry = entry_of(id);
    BUNCH_CHECK(entry != nullptr && !entry->open.closed);
    entry->open.closed = true;
    --open_;
    if (entry->open.pins == 0) recycle(static_cast<std::uint32_t>(id.value));
}

void CallSlab::pin(CallId id) {
    Entry* entry = entry_of(id);
    BUNCH_CHECK(entry != nullptr);
    ++entry->open.pins;
}

void CallSlab::unpin(CallId id) {
    Entry* entry = entry_of(id);
    BUNCH_CHECK(entry != nullptr && entry->open.pins > 0);
    if (--entry->open.pins == 0 && entry->open.closed)
        recycle(static_cast<std::uint32_t>(id.value));
}

void CallSlab::recycle(std::uint32_t index) {
    Entry& entry = entries_[index];
    bytes_ -= entry.used ? entry.open.input_bytes : 0;
    entry.used = false;
    ++entry.generation;
    entry.open.call.inputs.clear();
    entry.open.outputs.clear();
    entry.open.device_classes.clear();
    entry.open.precisions.clear();
    free_.push_back(index);
}

}  // namespace bunch
