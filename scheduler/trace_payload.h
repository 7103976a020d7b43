/// The bytes of those events of a trace that do not fit a slot. For trace.cpp only.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/trace.h"

namespace bunch::trace {

std::vector<std::byte> payload_of(const Configure& event);
std::vector<std::byte> payload_of(const DeviceUp& event);
std::vector<std::byte> payload_of(const Recall& event);

/// False if the bytes are not exactly those of such an event.
bool read_payload(std::vector<std::byte> bytes, Configure& event);
bool read_payload(std::vector<std::byte> bytes, DeviceUp& event);
bool read_payload(std::vector<std::byte> bytes, Recall& event);

}  // namespace bunch::trace
