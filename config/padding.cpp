#include "config/padding.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace bunch {
namespace {

constexpr std::string_view kWanted =
    R"(a list of tables: [{dimension = "P", buckets = [16, 32, 64], mask = "mask"}])";
constexpr std::int64_t kLongestBucket = 1 << 20;

void padded_name(Problems& problems, const Entry& entry, std::string& to) {
    if (entry.value.kind == Node::Kind::text && entry.value.text.empty())
        return problems.add(entry, "is empty (write a name, or leave the key out)");
    read_text(problems, entry, to);
}

void buckets(Problems& problems, const Entry& entry, PaddedDimension& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of lengths: [16, 32, 64]")) return;
    if (entry.value.items.empty())
        return problems.add(entry, "is empty (write at least the largest length)");
    for (const Node& item : entry.value.items) {
        if (item.kind != Node::Kind::integer || item.integer < 1 || item.integer > kLongestBucket)
            return problems.add(
                entry.key, item,
                "is no length (write a number from 1 to " + std::to_string(kLongestBucket) + ")");
        if (!to.buckets.empty() && item.integer <= std::int64_t{to.buckets.back()})
            return problems.add(entry.key, item,
                                "is not above the bucket before it (write them ascending)");
        to.buckets.push_back(static_cast<std::uint32_t>(item.integer));
    }
}

void value(Problems& problems, const Entry& entry, PaddedDimension& to) {
    constexpr double kMost = std::numeric_limits<float>::max();
    read_number(problems, entry, -kMost, kMost, to.value);
}

constexpr std::array kPadding = {
    Field<PaddedDimension>{"dimension",
                           [](Problems& problems, const Entry& entry, PaddedDimension& to) {
                               padded_name(problems, entry, to.dimension);
                           }},
    Field<PaddedDimension>{"buckets", buckets},
    Field<PaddedDimension>{"mask",
                           [](Problems& problems, const Entry& entry, PaddedDimension& to) {
                               padded_name(problems, entry, to.mask);
                           }},
    Field<PaddedDimension>{"length",
                           [](Problems& problems, const Entry& entry, PaddedDimension& to) {
                               padded_name(problems, entry, to.length);
                           }},
    Field<PaddedDimension>{"value", value},
};

void check_keys(Problems& problems, const Node& table) {
    for (const std::string_view key : {"dimension", "buckets"}) {
        const auto is_it = [key](const Entry& given) { return given.key == key; };
        if (std::none_of(table.entries.begin(), table.entries.end(), is_it))
            problems.add(table.line, "a table of padding has no " + std::string(key) + " (write " +
                                         std::string(kWanted) + ")");
    }
}

/// What two tables may not have in common.
void check_pair(Problems& problems, const Entry& entry, const PaddedDimension& one,
                const PaddedDimension& other) {
    if (!one.dimension.empty() && one.dimension == other.dimension)
        problems.add(entry.line(),
                     "padding names the dimension '" + one.dimension + "' twice (name it once)");
    for (const std::string& input : {one.mask, one.length})
        if (!input.empty() && (input == other.mask || input == other.length))
            problems.add(entry.line(), "padding makes the input '" + input +
                                           "' for two dimensions (give each its own)");
}

}  // namespace

std::span<const Field<PaddedDimension>> padding_fields() {
    return kPadding;
}

void read_padding(Problems& problems, const Entry& entry, ModelSpec& to) {
    if (!expect(problems, entry, Node::Kind::list, kWanted)) return;
    std::size_t ways = 1;
    for (const Node& item : entry.value.items) {
        if (!expect(problems, {entry.key, item}, Node::Kind::table, kWanted)) return;
        PaddedDimension one;
        read_table(problems, item, padding_fields(), one);
        check_keys(problems, item);
        for (const PaddedDimension& other : to.padding) check_pair(problems, entry, one, other);
        if (!one.mask.empty() && one.mask == one.length)
            problems.add(item.line, "padding makes '" + one.mask +
                                        "' both mask and length (write one of the two)");
        if (ways <= kMaxBuckets) ways *= std::max<std::size_t>(1, one.buckets.size());
        to.padding.push_back(std::move(one));
    }
    if (to.padding.size() > kMaxPaddedDimensions)
        problems.add(entry.line(), "padding has " + std::to_string(to.padding.size()) +
                                       " dimensions (at most " +
                                       std::to_string(kMaxPaddedDimensions) + ")");
    if (ways > kMaxBuckets)
        problems.add(entry.line(), "padding has more than " + std::to_string(kMaxBuckets) +
                                       " buckets, counting all ways to choose one for each "
                                       "dimension (write fewer)");
}

}  // namespace bunch
