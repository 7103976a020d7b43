#include "scheduler/suspects.h"

#include <algorithm>
#include <utility>

namespace bunch {
namespace {

constexpr int kLossesAlone = 2;  // that end a call: one may be chance, e.g. an operator's kill

}  // namespace

std::uint32_t SuspectGroup::rows() const {
    std::uint32_t sum = 0;
    for (const HeldSlice& held : slices) sum += held.slice.rows;
    return sum;
}

Verdict judge(const SuspectGroup& group, const CallTable& calls) {
    SuspectGroup left;
    for (const HeldSlice& held : group.slices) {
        if (calls.is_open(held)) left.slices.push_back(held);
    }
    Verdict verdict;
    if (left.slices.empty()) return verdict;
    if (group.slices.size() == 1) {
        left.lost_alone = static_cast<std::uint8_t>(group.lost_alone + 1);
        if (left.lost_alone >= kLossesAlone)
            verdict.culprit = left.slices.front();
        else
            verdict.again.push_back(std::move(left));
        return verdict;
    }
    const auto middle = left.slices.begin() + static_cast<std::ptrdiff_t>(left.slices.size() / 2);
    SuspectGroup second;
    second.slices.assign(middle, left.slices.end());
    left.slices.erase(middle, left.slices.end());
    if (!left.slices.empty()) verdict.again.push_back(std::move(left));
    verdict.again.push_back(std::move(second));
    return verdict;
}

std::optional<SuspectGroup> cut_to(SuspectGroup& group, std::uint32_t limit) {
    if (group.rows() <= limit) return std::nullopt;
    SuspectGroup rest;
    rest.lost_alone = group.lost_alone;
    std::uint32_t room = limit;
    std::vector<HeldSlice> kept;
    for (const HeldSlice& held : group.slices) {
        const std::uint32_t fits = std::min(room, held.slice.rows);
        const std::uint32_t over = held.slice.rows - fits;
        if (fits > 0)
            kept.push_back({held.call, {held.slice.call, held.slice.first_row, fits}, held.client});
        if (over > 0)
            rest.slices.push_back(
                {held.call, {held.slice.call, held.slice.first_row + fits, over}, held.client});
        room -= fits;
    }
    group.slices = std::move(kept);
    return rest;
}

}  // namespace bunch
