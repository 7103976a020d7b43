/// Reads `padding = [...]` of a [[model]]: which open extents the daemon pads to buckets. Whether
/// the model has such extents is known only once it is loaded: daemon/padding.h.
#pragma once

#include <span>

#include "config/reader.h"
#include "core/model.h"

namespace bunch {

/// Reads the list and checks it by itself: names, ascending buckets, and how many there are.
void read_padding(Problems& problems, const Entry& entry, ModelSpec& to);

/// Keys of one table of the list.
std::span<const Field<PaddedDimension>> padding_fields();

}  // namespace bunch
