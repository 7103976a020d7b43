#include "daemon/gather_pool.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace bunch {

GatherPool::GatherPool(std::size_t threads)
    : finished_(SIZE_MAX), stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    BUNCH_CHECK(stop_.get() >= 0);
    for (std::size_t i = 0; i < threads; ++i) {
        workers_.push_back(std::make_unique<Worker>());
        Worker& worker = *workers_.back();
        worker.thread = std::jthread([this, &worker] { run(worker.inbox, stop_.get()); });
    }
}

GatherPool::~GatherPool() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto bytes = ::write(stop_.get(), &one, sizeof one);
}

void GatherPool::post(GatherJob&& job) {
    BUNCH_DCHECK(has_threads());
    workers_[next_++ % workers_.size()]->inbox.post(std::move(job));
}

void GatherPool::run(Mailbox<GatherJob>& inbox, int stop_fd) {
    std::vector<GatherJob> jobs;
    pollfd waits[2] = {{inbox.fd(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
    while (true) {
        ::poll(waits, 2, -1);
        if (waits[1].revents != 0) return;
        inbox.take_all(jobs);
        for (GatherJob& job : jobs) {
            for (const GatherPart& part : job.parts) gather(part.from, part.to, part.padding);
            finished_.post(std::move(job));
        }
    }
}

}  // namespace bunch
