#include "daemon/control_endpoint.h"

#include <algorithm>
#include <span>

#include "protocol/kserve_v2.pb.h"

namespace bunch {
namespace {

// A question has two frames; an envelope of several hops may add a few.
constexpr std::size_t kMaxFrames = 8;

std::span<const std::byte> bytes_of(const zmq::message_t& frame) {
    return {static_cast<const std::byte*>(frame.data()), frame.size()};
}

/// Parses `request` into a message, finds the model it names, and lets `fill` write the response.
template <typename Request, typename Response, typename Fill>
ControlReply about_model(const ControlRequest& request, ModelTable& models, Fill&& fill) {
    Request question;
    if (const Status status = request.parse(question); !status.ok()) return control_failure(status);
    auto model = models.find(question.name(), question.version());
    if (!model.ok()) return control_failure(model.status());
    Response response;
    if (const Status status = fill(**model, response); !status.ok()) return control_failure(status);
    return control_reply(response);
}

template <typename Tensors>
void describe(const std::vector<TensorSpec>& specs, Tensors* tensors) {
    for (const TensorSpec& spec : specs) {
        auto* tensor = tensors->Add();
        tensor->set_name(spec.name);
        tensor->set_datatype(std::string(name_of(spec.type)));
        for (const std::int64_t extent : spec.shape.extents()) tensor->add_shape(extent);
    }
}

template <typename Tensors>
void configure(const std::vector<TensorSpec>& specs, bool batched, Tensors* tensors) {
    for (const TensorSpec& spec : specs) {
        auto* tensor = tensors->Add();
        tensor->set_name(spec.name);
        inference::DataType type = inference::TYPE_INVALID;
        inference::DataType_Parse("TYPE_" + std::string(name_of(spec.type)), &type);
        tensor->set_data_type(type);
        const auto extents = spec.shape.extents();
        for (std::size_t i = batched ? 1 : 0; i < extents.size(); ++i) tensor->add_dims(extents[i]);
    }
}

void set_duration(const Histogram& histogram, inference::StatisticDuration* duration) {
    duration->set_count(histogram.total());
    duration->set_ns(static_cast<std::uint64_t>(histogram.sum()));
}

void fill_statistics(const ServedModel& model, const ModelMetrics& metrics,
                     inference::ModelStatistics& statistics) {
    const auto stage = [&](Stage which) -> const Histogram& {
        return metrics.stages[static_cast<std::size_t>(which)];
    };
    statistics.set_name(model.spec.name);
    statistics.set_version(model.spec.version);
    statistics.set_inference_count(metrics.rows.value());
    statistics.set_execution_count(model.batches);
    auto* stats = statistics.mutable_inference_stats();
    const Histogram& durations = metrics.durations[static_cast<std::size_t>(Protocol::zmq)];
    stats->mutable_success()->set_count(model.served);
    stats->mutable_success()->set_ns(static_cast<std::uint64_t>(durations.sum()));
    stats->mutable_fail()->set_count(model.failed);
    set_duration(stage(Stage::queue), stats->mutable_queue());
    set_duration(stage(Stage::transfer_in), stats->mutable_compute_input());
    set_duration(stage(Stage::compute), stats->mutable_compute_infer());
    set_duration(stage(Stage::transfer_out), stats->mutable_compute_output());
}

Status needs_signature(const ServedModel& model) {
    if (model.has_signature) return ok_status();
    return unavailable("model '" + model.spec.name + "' is " + std::string(name_of(model.state)) +
                       (model.message.empty() ? "" : ": " + model.message));
}

}  // namespace

ControlEndpoint::ControlEndpoint(zmq::socket_t socket, const ServerState& server,
                                 ModelTable& models, const DeviceTable& devices,
                                 RecordedScheduler& scheduler, Metrics& metrics)
    : socket_(std::move(socket)),
      server_(server),
      models_(models),
      devices_(devices),
      scheduler_(scheduler.state()),
      dump_(scheduler),
      frames_(kMaxFrames) {
    for (const ServedModel& model : models.all())
        metrics_.push_back(&metrics.model(model.spec.name, model.spec.version));
}

void ControlEndpoint::receive(std::size_t limit) {
    for (std::size_t i = 0; i < limit && receive_message(); ++i) {
    }
}

bool ControlEndpoint::receive_message() {
    std::size_t count = 0;
    for (bool more = true; more; ++count) {
        zmq::message_t& frame = frames_[std::min(count, frames_.size() - 1)];
        frame.rebuild();
        const int flags = count == 0 ? ZMQ_DONTWAIT : 0;
        if (zmq_msg_recv(frame.handle(), socket_.handle(), flags) < 0) return false;
        more = frame.more();
    }
    if (count > frames_.size()) return true;  // no question has so many
    // The envelope: routing id and, from a REQ socket, an empty frame.
    const std::size_t envelope = count > 1 && frames_[1].size() == 0 ? 2 : 1;
    std::vector<std::span<const std::byte>> body;
    for (std::size_t i = envelope; i < count; ++i) body.push_back(bytes_of(frames_[i]));
    ControlRequest request;
    const Status status = decode_control_request(body, request);
    const ControlReply reply = status.ok() ? answer(request) : control_failure(status);
    for (std::size_t i = 0; i < envelope; ++i) {
        zmq::message_t frame(frames_[i].data(), frames_[i].size());
        if (zmq_msg_send(frame.handle(), socket_.handle(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
            return true;  // it left, or does not read
    }
    for (const std::string* part : {&reply.status, &reply.message, &reply.body}) {
        zmq::message_t frame(*part);
        zmq_msg_send(frame.handle(), socket_.handle(), part != &reply.body ? ZMQ_SNDMORE : 0);
    }
    return true;
}

ControlReply ControlEndpoint::answer(const ControlRequest& request) {
    switch (request.method) {
        case ControlMethod::server_live:
            return server_live();
        case ControlMethod::server_ready:
            return server_ready();
        case ControlMethod::server_metadata:
            return server_metadata();
        case ControlMethod::model_ready:
            return model_ready(request);
        case ControlMethod::model_metadata:
            return model_metadata(request);
        case ControlMethod::model_config:
            return model_config(request);
        case ControlMethod::model_statistics:
            return model_statistics(request);
        case ControlMethod::repository_index:
            return repository_index();
        case ControlMethod::status:
            return status();
        case ControlMethod::trace:
            return trace(request);
    }
    return control_failure(unimplemented("no such method"));
}

ControlReply ControlEndpoint::server_live() {
    inference::ServerLiveResponse response;
    response.set_live(true);
    return control_reply(response);
}

ControlReply ControlEndpoint::server_ready() {
    inference::ServerReadyResponse response;
    response.set_ready(server_.ready);
    return control_reply(response);
}

ControlReply ControlEndpoint::server_metadata() {
    inference::ServerMetadataResponse response;
    response.set_name(server_.name);
    response.set_version(BUNCH_VERSION);
    for (const char* extension :
         {"model_configuration", "statistics", "model_repository(index)", "schedule_policy"})
        response.add_extensions(extension);
    return control_reply(response);
}

ControlReply ControlEndpoint::model_ready(const ControlRequest& request) {
    return about_model<inference::ModelReadyRequest, inference::ModelReadyResponse>(
        request, models_, [](const ServedModel& model, auto& response) {
            response.set_ready(model.state == ModelState::ready);
            return ok_status();
        });
}

ControlReply ControlEndpoint::model_metadata(const ControlRequest& request) {
    return about_model<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
        request, models_, [&](const ServedModel& model, auto& response) {
            BUNCH_RETURN_IF_ERROR(needs_signature(model));
            response.set_name(model.spec.name);
            for (const ServedModel& other : models_.all())
                if (other.spec.name == model.spec.name) response.add_versions(other.spec.version);
            response.set_platform("bunchd");
            describe(model.spec.signature.inputs, response.mutable_inputs());
            describe(model.spec.signature.outputs, response.mutable_outputs());
            return ok_status();
        });
}

ControlReply ControlEndpoint::model_config(const ControlRequest& request) {
    return about_model<inference::ModelConfigRequest, inference::ModelConfigResponse>(
        request, models_, [](const ServedModel& model, auto& response) {
            BUNCH_RETURN_IF_ERROR(needs_signature(model));
            const ModelSignature& signature = model.spec.signature;
            auto* config = response.mutable_config();
            config->set_name(model.spec.name);
            config->set_platform("bunchd");
            config->set_backend("bunchd");
            // Clients may send this much in one request; the batches' own size is ours.
            config->set_max_batch_size(signature.batched
                                           ? static_cast<std::int32_t>(std::min<std::uint32_t>(
                                                 model.spec.max_rows_per_request, INT32_MAX))
                                           : 0);
            configure(signature.inputs, signature.batched, config->mutable_input());
            configure(signature.outputs, signature.batched, config->mutable_output());
            config->mutable_dynamic_batching();
            return ok_status();
        });
}

ControlReply ControlEndpoint::model_statistics(const ControlRequest& request) {
    inference::ModelStatisticsRequest question;
    if (const Status status = request.parse(question); !status.ok()) return control_failure(status);
    inference::ModelStatisticsResponse response;
    for (const ServedModel& model : models_.all()) {
        if (!question.name().empty() && model.spec.name != question.name()) continue;
        if (!question.version().empty() && model.spec.version != question.version()) continue;
        fill_statistics(model, *metrics_[model.id.value], *response.add_model_stats());
    }
    if (response.model_stats_size() == 0) {
        const auto found = models_.find(question.name(), question.version());
        if (!found.ok()) return control_failure(found.status());
    }
    return control_reply(response);
}

ControlReply ControlEndpoint::repository_index() {
    inference::RepositoryIndexResponse response;
    for (const ServedModel& model : models_.all()) {
        auto* entry = response.add_models();
        entry->set_name(model.spec.name);
        entry->set_version(model.spec.version);
        entry->set_state(model.state == ModelState::ready     ? "READY"
                         : model.state == ModelState::loading ? "LOADING"
                                                              : "UNAVAILABLE");
        entry->set_reason(model.message);
    }
    return control_reply(response);
}

ControlReply ControlEndpoint::status() {
    return control_reply(status_report(server_, models_, devices_, scheduler_, metrics_));
}

ControlReply ControlEndpoint::trace(const ControlRequest& request) {
    v1::TraceRequest question;
    if (const Status status = request.parse(question); !status.ok()) return control_failure(status);
    const auto answer = dump_.answer(now(), question);
    return answer.ok() ? control_reply(*answer) : control_failure(answer.status());
}

}  // namespace bunch
