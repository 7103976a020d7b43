#include "config/twin.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "config/document.h"

namespace bunch {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr const char* kNone =
    "states no twin (its [twin] needs path and max_deviation, as a manifest of an FPGA model has)";

const Node* find(const Node& table, std::string_view key) {
    const auto found = std::find_if(table.entries.begin(), table.entries.end(),
                                    [key](const Entry& entry) { return entry.key == key; });
    return found == table.entries.end() ? nullptr : &found->value;
}

}  // namespace

Result<StatedTwin> read_stated_twin(const std::string& manifest) {
    std::ifstream file(manifest, std::ios::binary);
    std::string text(kMaxBytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    const auto document = parse_document(text, manifest);
    const Node* const twin = document.ok() ? find(*document, "twin") : nullptr;
    const Node* const path = twin == nullptr ? nullptr : find(*twin, "path");
    const Node* const deviation = twin == nullptr ? nullptr : find(*twin, "max_deviation");
    if (path == nullptr || path->kind != Node::Kind::text || deviation == nullptr)
        return invalid_argument(kNone);
    StatedTwin stated;
    const char* const end = deviation->text.data() + deviation->text.size();
    const auto [rest, error] = std::from_chars(deviation->text.data(), end, stated.max_deviation);
    if (error != std::errc() || rest != end || !(stated.max_deviation >= 0))
        return invalid_argument(kNone);
    if (const Node* const hash = find(*twin, "hash")) stated.hash = hash->text;
    const auto folder = std::filesystem::path(manifest).parent_path();
    stated.path = (folder / path->text).lexically_normal().string();
    return stated;
}

}  // namespace bunch
