#include "client/open_requests.h"

#include <charconv>

namespace bunch {
namespace {

// An id is the entry's index, and above it how often that entry was used.
constexpr std::uint64_t kIndexBits = 16;
constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
static_assert(OpenRequests::kMost == kIndexMask + 1);

}  // namespace

OpenRequests::~OpenRequests() {
    for_each([](OpenRequest& entry) {
        for (SharedBytes* shared : entry.shared)
            if (shared != nullptr) shared->let_go();
    });
}

OpenRequest* OpenRequests::add() {
    if (free_.empty()) {
        if (entries_.size() == kMost) return nullptr;
        const std::size_t index = entries_.size();
        entries_.emplace_back().id.value = index;
        free_.push_back(static_cast<std::uint32_t>(index));
    }
    OpenRequest& entry = entries_[free_.back()];
    free_.pop_back();
    ++size_;
    entry.id.value += kIndexMask + 1;
    entry.state = OpenRequest::State::waiting;
    entry.sends = 0;
    entry.charged_bytes = 0;
    entry.deadline = kNever;
    entry.resend_at = kNever;
    return &entry;
}

OpenRequest* OpenRequests::find(RequestId id) {
    const std::size_t index = id.value & kIndexMask;
    if (index >= entries_.size()) return nullptr;
    OpenRequest& entry = entries_[index];
    return entry.state != OpenRequest::State::free && entry.id == id ? &entry : nullptr;
}

OpenRequest* OpenRequests::find(std::string_view id_text) {
    RequestId id;
    const char* end = id_text.data() + id_text.size();
    const auto [stop, error] = std::from_chars(id_text.data(), end, id.value);
    return error == std::errc() && stop == end ? find(id) : nullptr;
}

Request OpenRequests::close(OpenRequest& entry) {
    for (std::size_t i = 0; i < entry.shared.size(); ++i) {
        SharedBytes* shared = entry.shared[i];
        if (shared == nullptr) continue;
        if (shared->held_once()) entry.request.inputs[i].buffer = std::move(shared->buffer());
        shared->let_go();
    }
    entry.shared.clear();
    entry.callback = nullptr;
    entry.state = OpenRequest::State::free;
    free_.push_back(static_cast<std::uint32_t>(entry.id.value & kIndexMask));
    --size_;
    return std::move(entry.request);
}

void share_large_inputs(OpenRequest& entry, std::size_t from_bytes) {
    auto& inputs = entry.request.inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].buffer.size() < from_bytes) continue;
        entry.shared.resize(inputs.size());
        entry.shared[i] = SharedBytes::make(std::move(inputs[i].buffer));
    }
}

}  // namespace bunch
