#include "muon/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace bunch::muon {

unsigned core_count() {
    return std::max(1U, std::thread::hardware_concurrency());
}

void for_each_piece(std::size_t pieces, unsigned threads,
                    const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next{0};
    const auto take = [&] {
        for (std::size_t piece = next++; piece < pieces; piece = next++) work(piece);
    };
    const std::size_t helpers = std::min<std::size_t>(threads, pieces);
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < helpers; ++i) others.emplace_back(take);
    take();
}

}  // namespace bunch::muon
