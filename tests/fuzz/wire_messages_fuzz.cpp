// Whatever a runner sends is refused, or is a message that means the same when it is sent on.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/wire/messages.h"
#include "core/check.h"

namespace {

using Bytes = std::vector<std::byte>;

template <typename Message>
void check_lane_message(std::span<const std::byte> bytes) {
    Message message;
    if (!bunch::wire::decode(bytes, message).ok()) return;
    Bytes again;
    bunch::wire::encode(message, again);
    Message back;
    BUNCH_CHECK(bunch::wire::decode(again, back).ok());
    BUNCH_CHECK(back == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    if (const auto message = bunch::wire::decode_control(bytes); message.ok()) {
        Bytes first;
        Bytes second;
        BUNCH_CHECK(bunch::wire::encode(*message, first).ok());
        const auto back = bunch::wire::decode_control(first);
        BUNCH_CHECK(back.ok() && bunch::wire::encode(*back, second).ok());
        BUNCH_CHECK(first == second);
    }
    check_lane_message<bunch::wire::RunBatch>(bytes);
    check_lane_message<bunch::wire::BatchDone>(bytes);
    return 0;
}
