#include "client/client.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bunch {
namespace {

constexpr Duration kLongest = std::chrono::seconds(10);

void answer(Request request, ResponseCallback& callback, Status status) {
    Response response;
    response.status = std::move(status);
    response.model = request.model;
    response.request = std::move(request);
    callback(response);
}

Status closed_status() {
    return cancelled("the client was closed");
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(ConnectionOptions options) {
    BUNCH_ASSIGN_OR_RETURN(auto connection, Connection::open(std::move(options)));
    const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        return resource_exhausted(std::string("no descriptor for the client: ") + strerror(errno));
    return std::unique_ptr<Client>(new Client(std::move(connection), wake_fd));
}

Client::Client(std::unique_ptr<Connection> connection, int wake_fd)
    : connection_(std::move(connection)),
      wake_fd_(wake_fd),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

Client::~Client() {
    thread_.request_stop();
    wake();
    thread_.join();
    close(wake_fd_);
}

void Client::wake() {
    // Fails only if the counter is full, and then the thread is awake anyway.
    static_cast<void>(eventfd_write(wake_fd_, 1));
}

void Client::infer(Request request, ResponseCallback callback) {
    bool was_empty = false;
    bool is_closed = false;
    {
        const std::lock_guard lock(mutex_);
        is_closed = closed_;
        was_empty = jobs_.empty();
        if (!is_closed) jobs_.push_back({std::move(request), std::move(callback)});
    }
    if (is_closed) {
        answer(std::move(request), callback, closed_status());
    } else if (was_empty) {
        wake();
    }
}

std::future<Response> Client::infer(Request request) {
    // Shared because a std::function must be copyable, and a promise is not.
    auto promise = std::make_shared<std::promise<Response>>();
    auto future = promise->get_future();
    infer(std::move(request),
          [promise](Response& response) { promise->set_value(std::move(response)); });
    return future;
}

Response Client::infer_sync(Request request) {
    return infer(std::move(request)).get();
}

void Client::take_jobs(std::vector<Job>& jobs) {
    eventfd_t ignored = 0;
    static_cast<void>(eventfd_read(wake_fd_, &ignored));
    jobs.clear();
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
}

void Client::serve(const std::stop_token& stop) {
    std::vector<Job> jobs;
    while (!stop.stop_requested()) {
        take_jobs(jobs);
        for (Job& job : jobs) {
            // A copy: a callback that was refused is gone.
            ResponseCallback callback = job.callback;
            const auto id = connection_->submit(std::move(job.request), std::move(job.callback));
            if (!id.ok()) answer({}, callback, id.status());
        }
        connection_->poll(kLongest, wake_fd_);
    }
    connection_->cancel_all();
    {
        // From here on infer() answers by itself: callbacks may still call it.
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    take_jobs(jobs);
    for (Job& job : jobs) answer(std::move(job.request), job.callback, closed_status());
}

}  // namespace bunch
