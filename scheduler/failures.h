/// What the failure of a batch says about its calls. Not who is to blame: that is suspects.h.
#pragma once

#include "core/status.h"

namespace bunch {

/// Whether a batch that ended with `code` may have done so for what one of its calls holds: an
/// index outside a table, a result that is too long. Then the caller ends none of its calls unless
/// there is only one, and the scheduler runs them again apart from each other. A device that says
/// that it cannot work (`unavailable` and the like) would say so to each of them.
bool blames_data(StatusCode code);

}  // namespace bunch
