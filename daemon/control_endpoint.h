/// The ZeroMQ control endpoint of docs/PROTOCOL.md: questions about the server, its models and its
/// devices. It answers whatever the data endpoint is busy with. Used by the reactor thread.
#pragma once

#include <zmq.hpp>

#include <string>
#include <vector>

#include "daemon/device_table.h"
#include "daemon/model_table.h"
#include "daemon/status_report.h"
#include "daemon/trace_dump.h"
#include "monitoring/metrics.h"
#include "protocol/control.h"
#include "scheduler/scheduler.h"

namespace bunch {

class ControlEndpoint {
  public:
    ControlEndpoint(zmq::socket_t socket, const ServerState& server, ModelTable& models,
                    const DeviceTable& devices, RecordedScheduler& scheduler, Metrics& metrics);

    zmq::socket_t& socket() { return socket_; }

    /// Answers up to `limit` questions that have arrived.
    void receive(std::size_t limit);

    /// Forgets what was begun for clients that do not come back.
    void tick(TimePoint now) { dump_.expire(now); }

  private:
    bool receive_message();
    ControlReply answer(const ControlRequest& request);
    ControlReply server_live();
    ControlReply server_ready();
    ControlReply server_metadata();
    ControlReply model_ready(const ControlRequest& request);
    ControlReply model_metadata(const ControlRequest& request);
    ControlReply model_config(const ControlRequest& request);
    ControlReply model_statistics(const ControlRequest& request);
    ControlReply repository_index();
    ControlReply status();
    ControlReply trace(const ControlRequest& request);

    zmq::socket_t socket_;
    const ServerState& server_;
    ModelTable& models_;
    const DeviceTable& devices_;
    const Scheduler& scheduler_;
    TraceDump dump_;
    std::vector<ModelMetrics*> metrics_;  ///< by ModelId
    std::vector<zmq::message_t> frames_;
};

}  // namespace bunch
