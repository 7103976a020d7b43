/// The client for programs with many threads: futures, callbacks and blocking calls over one
/// Connection, which a thread of its own serves. That thread costs two hops per request; whoever
/// wants the last microseconds uses client/connection.h.
///
///     auto client = bunch::Client::open({.endpoints = {"ipc:///run/bunchd/data.sock"}}).value();
///     bunch::Request request{.model = "muon"};
///     request.add_input("input", {1, 5}, std::span<const float>(features));
///     const bunch::Response answer = client->infer(std::move(request)).get();
///     for (float value : answer.values<float>("output")) use(value);
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "client/connection.h"

namespace bunch {

/// All functions may be called from any thread.
class Client {
  public:
    static Result<std::unique_ptr<Client>> open(ConnectionOptions options);

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Ends requests that are still open with `cancelled`.
    ~Client();

    /// The answer comes with the future; a failure is its status, never an exception.
    std::future<Response> infer(Request request);

    /// The answer comes on the client's thread. The callback is called exactly once, must not
    /// block, and may call infer() with a callback of its own, but not for ever: once the client
    /// is being destroyed, infer() answers `cancelled` at once.
    void infer(Request request, ResponseCallback callback);

    /// Blocks until the answer is there. Not from a callback.
    Response infer_sync(Request request);

  private:
    struct Job {
        Request request;
        ResponseCallback callback;
    };

    Client(std::unique_ptr<Connection> connection, int wake_fd);

    void serve(const std::stop_token& stop);
    void wake();
    void take_jobs(std::vector<Job>& jobs);

    std::unique_ptr<Connection> connection_;  // the thread's own
    int wake_fd_;
    std::mutex mutex_;
    std::vector<Job> jobs_;  // guarded by mutex_
    bool closed_ = false;    // guarded by mutex_
    std::jthread thread_;    // last: it uses all of the above
};

}  // namespace bunch
