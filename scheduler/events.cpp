#include "scheduler/events.h"

namespace bunch {

ModelPolicy policy_of(ModelId id, const ModelSpec& spec) {
    ModelPolicy policy;
    policy.model = id;
    policy.name = spec.name;
    policy.objective = spec.objective;
    policy.max_batch_rows = spec.max_batch_rows;
    policy.max_rows_per_request = spec.max_rows_per_request;
    policy.max_queued_rows = spec.max_queued_rows;
    policy.max_queued_bytes = spec.max_queued_bytes;
    policy.batched = spec.signature.batched;
    policy.numerics = spec.numerics;
    policy.keeps_client_order = spec.keeps_client_order;
    return policy;
}

}  // namespace bunch
