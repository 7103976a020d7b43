#include "bench/farm/service_worker.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "client/connection.h"

namespace bunch::farm {
namespace {

/// A worker gives up on a service that has not answered for so long.
constexpr Duration kPatience = std::chrono::seconds(60);

class Caller {
  public:
    Caller(Worker& worker, const Phase& phase, const Questions& questions,
           std::unique_ptr<Connection> connection)
        : worker_(worker),
          phase_(phase),
          questions_(questions),
          connection_(std::move(connection)) {}

    /// One question before the window opens: connected, and the model is there. Its answer must be
    /// as right as any.
    Status warm_up() {
        ask({});
        BUNCH_RETURN_IF_ERROR(refused_);
        return drain();
    }

    Status work() {
        const TimePoint end = worker_.wait_for_start().end;
        asking_ = true;
        for (std::size_t i = 0; i < phase_.in_flight; ++i) ask({});
        while (now() < end && refused_.ok()) connection_->poll(std::min(end - now(), kTick));
        asking_ = false;
        BUNCH_RETURN_IF_ERROR(refused_);
        return drain();
    }

  private:
    static constexpr Duration kTick = std::chrono::milliseconds(100);

    /// The next question. `used` is a request whose memory may be used again.
    void ask(Request used) {
        const std::size_t question = questions_.number(worker_.index(), next_++);
        const TimePoint begin = now();
        const auto submitted = connection_->submit(
            request_for(question, std::move(used)),
            [this, question, begin](Response& answer) { take(question, begin, answer); });
        if (!submitted.ok()) refused_ = submitted.status();
    }

    void take(std::size_t question, TimePoint begin, Response& answer) {
        const TimePoint end = now();
        if (!answer.status.ok()) {
            worker_.failed(answer.status.to_string());
        } else {
            const auto values = answer.outputs.empty() ? std::span<const float>()
                                                       : answer.outputs[0].values<float>();
            worker_.answered(begin, end, phase_.rows, questions_.judge(question, values));
        }
        if (asking_) ask(std::move(answer.request));
    }

    Request request_for(std::size_t question, Request request) {
        if (request.inputs.empty()) {
            request.model = phase_.name;
            const auto rows = static_cast<std::int64_t>(phase_.rows);
            request.inputs.push_back(
                {phase_.input, DataType::f32, phase_.row_shape.with_rows(rows), {}});
        }
        // The questions outlive every request, so their bytes need no copy.
        request.inputs[0].buffer =
            Buffer::hold(std::as_writable_bytes(questions_.input(question)), nullptr, nullptr);
        return request;
    }

    Status drain() {
        const TimePoint patience = now() + kPatience;
        while (connection_->open_requests() > 0) {
            if (now() >= patience) return deadline_exceeded("the service does not answer");
            connection_->poll(kTick);
        }
        return ok_status();
    }

    Worker& worker_;
    const Phase& phase_;
    const Questions& questions_;
    std::unique_ptr<Connection> connection_;
    std::size_t next_ = 0;
    bool asking_ = false;  // whether an answer is followed by the next question
    Status refused_;       // why a request could not even be submitted
};

}  // namespace

Status work_with_service(Worker& worker, const Phase& phase, const Questions& questions,
                         const std::string& data_endpoint) {
    ConnectionOptions options;
    options.endpoints = {data_endpoint};
    BUNCH_ASSIGN_OR_RETURN(auto connection, Connection::open(std::move(options)));
    Caller caller(worker, phase, questions, std::move(connection));
    BUNCH_RETURN_IF_ERROR(caller.warm_up());
    return caller.work();
}

}  // namespace bunch::farm
