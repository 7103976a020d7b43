// Whatever a trace file holds is refused, or is events that mean the same when they are written
// again.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/check.h"
#include "scheduler/trace.h"

namespace {

using namespace bunch::trace;

/// The events as slots again; nothing after the first that cannot be read.
std::vector<Slot> rewritten(std::span<const Slot> slots) {
    std::vector<Slot> out;
    Reader reader(slots);
    for (auto event = reader.next(); event.ok() && event->has_value(); event = reader.next())
        append(**event, out);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    const auto file = parse_file(bytes);
    if (!file.ok()) return 0;
    const std::vector<Slot> once = rewritten(file->slots);
    BUNCH_CHECK(once.size() <= file->slots.size());
    BUNCH_CHECK(rewritten(once) == once);
    return 0;
}
