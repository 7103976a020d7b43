/// The network FACILE on an emulated card with its twin, and clients of several kinds that ask for
/// it without a pause and compare every answer with what the network makes of their rows. For the
/// tests of the daemon with FPGA cards.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/raw_client.h"
#include "zoo/fpga/fpga_models.h"

namespace bunch {

constexpr std::int64_t kFacileWidth = 18;

/// The model's folder, with a time limit of 2 s: no call reaches it on a busy machine, and no test
/// has to wait for long.
struct Facile {
    Facile();
    const DenseNetwork network = fpga_zoo_network("facile_fpga", 1);
    std::string manifest;
    double accepted = 0;  ///< deviation from the network in floating point
};

/// What one client asks for.
struct LoadKind {
    std::int64_t rows = 1;        ///< of each request
    std::size_t in_flight = 1;    ///< requests
    std::int64_t timeout_us = 0;  ///< of each request; 0: none
};

/// What became of the requests of one client, or of all.
struct LoadCounts {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;  ///< rightly, wrongly, or with an error
    std::uint64_t wrong = 0;
    std::map<std::string, std::uint64_t> failures;  ///< answered with an error, by status
    std::string failure;                            ///< the words of one

    void add(const LoadCounts& other);
    std::uint64_t failed() const;
};

/// How many answers came from which class of device.
struct LoadSources {
    std::atomic<std::uint64_t> cpu{0};
    std::atomic<std::uint64_t> fpga{0};
};

/// One client on a thread of its own.
class LoadClient {
  public:
    LoadClient(const std::string& endpoint, const Facile& model, LoadKind kind,
               LoadSources& sources);
    ~LoadClient() { stop(); }
    LoadClient(const LoadClient&) = delete;
    LoadClient& operator=(const LoadClient&) = delete;

    void request_stop() { stopping_ = true; }

    /// Ends it once every request has been answered, or none has been for a minute.
    void stop();

    /// After stop().
    const LoadCounts& counts() const { return counts_; }

  private:
    void run();
    void ask(RawClient& client);
    void take(const RawReply& reply);
    void check(const RawReply& reply, const std::vector<float>& rows);

    const std::string endpoint_;
    const Facile& model_;
    const LoadKind kind_;
    LoadSources& sources_;
    std::atomic<bool> stopping_{false};
    std::map<std::string, std::vector<float>> open_;  // rows of requests, by their id
    LoadCounts counts_;
    std::mt19937 random_{7};
    std::normal_distribution<float> normal_;
    std::thread thread_;
};

/// Several of them: many small requests, larger ones, a few that the daemon has to cut, and some
/// that are in a hurry and may miss their deadline.
class Load {
  public:
    Load(const std::string& endpoint, const Facile& model);

    /// Ends all of them; what became of their requests.
    const LoadCounts& stop();

    /// Waits until `more` further answers have come from devices of that class, "cpu" or "fpga"; at
    /// most two minutes.
    bool wait_for(const std::string& device_class, std::uint64_t more);

  private:
    LoadSources sources_;
    std::vector<std::unique_ptr<LoadClient>> clients_;
    LoadCounts counts_;
};

}  // namespace bunch
