#include "tests/integration/fpga_load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <span>
#include <sstream>

#include "backends/xrt/emulation/arrangement.h"

namespace bunch {
namespace {

constexpr LoadKind kKinds[] = {{1, 16, 0}, {8, 16, 0}, {40, 4, 0}, {3, 4, 300'000}};

}  // namespace

Facile::Facile() {
    const auto written =
        write_fpga_zoo_model("facile_fpga", emulation::card_folder() + "/facile", {.units = 2});
    EXPECT_TRUE(written.ok()) << written.status().to_string();
    manifest = written->manifest;
    accepted = written->max_deviation;
    std::stringstream text;
    text << std::ifstream(manifest).rdbuf();
    std::string lines = text.str();
    lines.replace(lines.find("\"5s\""), 4, "\"2s\"");
    std::ofstream(manifest) << lines;
}

void LoadCounts::add(const LoadCounts& other) {
    sent += other.sent;
    answered += other.answered;
    wrong += other.wrong;
    for (const auto& [status, count] : other.failures) failures[status] += count;
    if (!other.failure.empty()) failure = other.failure;
}

std::uint64_t LoadCounts::failed() const {
    std::uint64_t all = 0;
    for (const auto& [status, count] : failures) all += count;
    return all;
}

LoadClient::LoadClient(const std::string& endpoint, const Facile& model, LoadKind kind,
                       LoadSources& sources)
    : endpoint_(endpoint), model_(model), kind_(kind), sources_(sources), thread_([this] {
          run();
      }) {}

void LoadClient::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

void LoadClient::run() {
    RawClient client(endpoint_);
    while (!stopping_ || !open_.empty()) {
        while (!stopping_ && open_.size() < kind_.in_flight) ask(client);
        const auto reply = client.receive();
        if (!reply) break;  // lost
        take(*reply);
    }
}

void LoadClient::ask(RawClient& client) {
    std::vector<float> rows(static_cast<std::size_t>(kind_.rows * kFacileWidth));
    for (float& number : rows) number = normal_(random_);
    const std::string id = std::to_string(counts_.sent++);
    auto header = request_header("facile", {kind_.rows, kFacileWidth}, id);
    header.mutable_inputs(0)->set_name("input");
    if (kind_.timeout_us != 0)
        (*header.mutable_parameters())["timeout"].set_int64_param(kind_.timeout_us);
    client.send(request_frames(header, rows));
    open_[id] = std::move(rows);
}

void LoadClient::take(const RawReply& reply) {
    const auto asked = open_.find(reply.header.id());
    if (asked == open_.end()) {
        ++counts_.wrong;
        return;
    }
    ++counts_.answered;
    if (reply.status() == "ok") {
        check(reply, asked->second);
    } else {
        ++counts_.failures[reply.status()];
        counts_.failure = reply.message();
    }
    open_.erase(asked);
}

void LoadClient::check(const RawReply& reply, const std::vector<float>& rows) {
    const std::vector<float> values = reply.floats(0);
    const auto count = static_cast<std::size_t>(kind_.rows);
    bool right = values.size() == count;
    for (std::size_t i = 0; right && i < count; ++i) {
        const auto row = std::span(rows).subspan(i * kFacileWidth, kFacileWidth);
        right = std::abs(values[i] - bunch::run(model_.network, row).front()) <= model_.accepted;
    }
    const auto parameter = [&reply](const char* name) {
        return reply.header.parameters().at(name).string_param();
    };
    const std::string made_by = parameter("device_class");
    const bool on_cpu = made_by.find("cpu") != std::string::npos;
    const bool on_fpga = made_by.find("fpga-") != std::string::npos;
    // Its rows may have run on both.
    const std::string precision = parameter("precision");
    right = right && on_cpu == (precision.find("f32") != std::string::npos) &&
            on_fpga == (precision.find("ap_fixed<16,6") != std::string::npos);
    if (!right) ++counts_.wrong;
    sources_.cpu += on_cpu ? 1 : 0;
    sources_.fpga += on_fpga ? 1 : 0;
}

Load::Load(const std::string& endpoint, const Facile& model) {
    for (const LoadKind& kind : kKinds)
        clients_.push_back(std::make_unique<LoadClient>(endpoint, model, kind, sources_));
}

const LoadCounts& Load::stop() {
    for (const auto& client : clients_) client->request_stop();
    for (const auto& client : clients_) {
        client->stop();
        counts_.add(client->counts());
    }
    clients_.clear();
    return counts_;
}

bool Load::wait_for(const std::string& device_class, std::uint64_t more) {
    std::atomic<std::uint64_t>& count = device_class == "cpu" ? sources_.cpu : sources_.fpga;
    const std::uint64_t wanted = count + more;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (count < wanted && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return count >= wanted;
}

}  // namespace bunch
