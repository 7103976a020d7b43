#include "backends/cpu/team.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/cores.h"
#include "backends/cpu/threads.h"

namespace bunch::cpu {

Team::Team(unsigned size, std::vector<unsigned> cores)
    : size_(std::max(size, 1U)), cores_(std::move(cores)) {
    for (unsigned worker = 1; worker < size_; ++worker)
        helpers_.emplace_back([this, worker] { help(worker); });
}

Team::~Team() {
    ++round_;
    round_.notify_all();
}

void Team::run(const std::function<void(unsigned)>& work) {
    const std::lock_guard lock(turn_);
    work_ = &work;
    busy_ = size_ - 1;
    ++round_;
    round_.notify_all();
    work(0);
    while (const std::uint32_t busy = busy_) busy_.wait(busy);
    work_ = nullptr;
}

void Team::help(unsigned worker) {
    use_threads(1);
    stay_on(cores_);
    for (std::uint32_t seen = 0;;) {
        round_.wait(seen);
        ++seen;
        if (work_ == nullptr) return;
        (*work_)(worker);
        if (--busy_ == 0) busy_.notify_one();
    }
}

}  // namespace bunch::cpu
