/// A frontend that keeps its answers in memory, for tests of what is behind frontends.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/frontend.h"

namespace bunch {

class MemoryFrontend final : public Frontend {
  public:
    struct Kept {
        std::string request_id;
        Status status;
        std::vector<Tensor> outputs;
        std::string device_class;
        std::string precision;
    };

    Protocol protocol() const override { return Protocol::zmq; }

    void answer(const Call& call, const Answer& answer) override {
        Kept& kept = answers.emplace_back();
        kept.request_id = call.request_id;
        kept.status = answer.status;
        kept.device_class = answer.device_class;
        kept.precision = answer.precision;
        for (const ConstTensorView& output : answer.outputs)
            kept.outputs.push_back({output.type, output.shape, Buffer::copy_of(output.bytes)});
    }

    void forget(const Call& call) override { forgotten.push_back(call.request_id); }

    std::vector<Kept> answers;
    std::vector<std::string> forgotten;
};

}  // namespace bunch
