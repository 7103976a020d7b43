/// A connection to a bunchd for one thread: the shortest way there and back. Answers come out of
/// poll(); nothing happens between two calls. For many threads, futures and blocking calls there
/// is client/client.h.
///
/// The server may vanish and return: inference has no side effects, so requests without an answer
/// are sent again, a bounded number of times, under the same id. The server's byte credit is kept:
/// what exceeds it waits here, in a bounded queue.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/dealer.h"
#include "client/open_requests.h"
#include "client/request.h"
#include "core/result.h"
#include "core/time.h"
#include "protocol/zmq_frames.h"

namespace bunch {

struct ConnectionOptions {
    /// Where to connect; with several, the next one is tried when one cannot be reached.
    std::vector<std::string> endpoints = {"ipc:///run/bunchd/data.sock"};

    /// At most 128 bytes. Requests are cancelled by client and id, so two connections must not have
    /// the same name; empty: made of process number and a counter.
    std::string client = {};

    /// Bytes that may be open before the server has granted a credit.
    std::int64_t initial_credit_bytes = std::int64_t{4} << 20;

    std::size_t max_waiting = 4096;                           ///< requests held back for credit
    Duration resend_after = std::chrono::seconds(30);         ///< without an answer
    std::uint32_t max_resends = 3;                            ///< of one request
    Duration connect_timeout = std::chrono::seconds(1);       ///< then the next endpoint is tried
    Duration deadline_grace = std::chrono::milliseconds(10);  ///< for the server's own answer
    std::size_t zero_copy_bytes = 16 * 1024;  ///< inputs from this size on are sent uncopied
};

/// What happened since the connection was opened.
struct ConnectionCounters {
    std::uint64_t sent = 0;  ///< messages with a request, resends included
    std::uint64_t resent = 0;
    std::uint64_t answered = 0;
    std::uint64_t late = 0;     ///< answers to requests that were already closed; dropped
    std::uint64_t garbage = 0;  ///< messages that are no answer; dropped
    std::uint64_t reconnects = 0;
};

class Connection {
  public:
    /// Connects in the background: requests may be submitted at once. invalid_argument for options
    /// that make no sense.
    static Result<std::unique_ptr<Connection>> open(ConnectionOptions options);

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Takes a request over until it is answered; its bytes are kept for a resend. The callback is
    /// called exactly once, from poll() or cancel(), unless submit() fails; it may submit and
    /// cancel, but not poll. invalid_argument for a request that no server could take,
    /// resource_exhausted when too many wait. Requests that are open when the connection is
    /// destroyed are never answered.
    Result<RequestId> submit(Request request, ResponseCallback callback);

    /// Receives and calls back. Waits up to `timeout` for the first answer, or until `wake_fd` (if
    /// not -1) is readable. Returns the number of requests that ended.
    std::size_t poll(Duration timeout, int wake_fd = -1);

    /// Ends an open request with `cancelled` now and tells the server. False if it is not open.
    bool cancel(RequestId id);

    /// The same for all that are open.
    void cancel_all();

    std::size_t open_requests() const { return open_.size(); }
    std::size_t waiting_requests() const { return waiting_count_; }
    bool connected() const { return connected_; }
    const ConnectionCounters& counters() const { return counters_; }
    const std::string& client_name() const { return options_.client; }

  private:
    explicit Connection(ConnectionOptions options);

    // Sending.
    bool try_to_send(OpenRequest& entry, TimePoint at);
    void send_waiting(TimePoint at);
    void send_cancel(RequestId id);
    void fill_header(const OpenRequest& entry, TimePoint at);

    // Receiving; these return whether a request ended.
    std::size_t receive_all();
    bool take_message();
    bool take_outputs(const ResponseHeader& header);
    bool finish(OpenRequest& entry, Response& response, TimePoint at);
    bool fail(OpenRequest& entry, Status status, TimePoint at);

    // What time brings; these return how many requests ended.
    std::size_t check(TimePoint at);
    std::size_t watch_connection(TimePoint at);
    std::size_t reconnect(TimePoint at, bool was_connected);
    std::size_t check_requests(TimePoint at);
    std::size_t send_again(OpenRequest& entry, TimePoint at);
    void send_first_time_again(OpenRequest& entry, TimePoint at);
    void schedule(TimePoint due) { next_check_ = due < next_check_ ? due : next_check_; }

    ConnectionOptions options_;
    zmq::context_t context_;
    Dealer dealer_;
    bool connected_ = false;
    std::size_t endpoint_ = 0;
    TimePoint connecting_since_;

    OpenRequests open_;
    std::deque<RequestId> waiting_;  ///< may name requests that ended meanwhile
    std::size_t waiting_count_ = 0;
    std::int64_t credit_bytes_;
    std::int64_t outstanding_bytes_ = 0;
    std::int64_t expected_reply_bytes_ = 0;  ///< as large as the last one

    TimePoint next_check_ = kNever;  ///< nothing is due before
    TimePoint last_check_;
    ConnectionCounters counters_;

    // Kept for their memory.
    RequestHeader header_;
    std::string header_bytes_;
    std::vector<OutFrame> out_;
    std::vector<zmq::message_t> in_;
    std::vector<RequestId> due_;
    ResponseDecoder decoder_;
    Response response_;
};

}  // namespace bunch
