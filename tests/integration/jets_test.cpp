// ParticleNet served twice: with exact shapes, and with padding buckets and masks.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"
#include "zoo/zoo.h"

namespace bunch {
namespace {

void add_input(inference::ModelInferRequest& header, const std::string& name,
               const std::vector<std::int64_t>& shape) {
    auto* input = header.add_inputs();
    input->set_name(name);
    input->set_datatype("FP32");
    for (const std::int64_t extent : shape) input->add_shape(extent);
}

TEST(PaddedShapes, OfJetsAreAnsweredAsTheNetworkWithoutPaddingDoes) {
    DaemonProcess daemon(
        "[[device]]\nname = \"cpu0\"\nbackend = \"cpu\"\nlanes = 1\n"
        "[[model]]\nname = \"alone\"\npath = \"particlenet.onnx\"\n"
        "[[model]]\nname = \"padded\"\npath = \"particlenet_masked.onnx\"\n"
        "padding = [{dimension = \"P\", buckets = [10, 20], mask = \"particles_mask\"}, "
        "{dimension = \"V\", buckets = [5], mask = \"vertices_mask\"}]\n");
    for (const char* name : {"particlenet", "particlenet_masked"})
        ASSERT_TRUE(write_zoo_model(name, daemon.folder() + "/" + name + ".onnx", 1).ok());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    std::mt19937 random(8);
    std::normal_distribution<float> normal;
    constexpr int kJets = 40;

    for (int jet = 0; jet < kJets; ++jet) {
        const std::int64_t particles = 2 + jet % 19, vertices = jet % 6;
        std::vector<std::string> frames;
        for (const std::int64_t count : {23 * particles, 14 * vertices}) {
            std::vector<float> values(static_cast<std::size_t>(count));
            for (float& value : values) value = normal(random);
            frames.push_back(request_frames({}, values).at(1));
        }
        for (const char* model : {"alone", "padded"}) {
            inference::ModelInferRequest header;
            header.set_model_name(model);
            header.set_id(std::to_string(jet));
            (*header.mutable_parameters())["client"].set_string_param("jets");
            add_input(header, "particles", {1, 23, particles});
            add_input(header, "vertices", {1, 14, vertices});
            client.send({header.SerializeAsString(), frames[0], frames[1]});
        }
    }

    std::map<int, std::vector<std::vector<float>>> answers;
    for (int i = 0; i < 2 * kJets; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        answers[std::stoi(reply->header.id())].push_back(reply->floats(0));
    }
    for (const auto& [jet, both] : answers) {
        ASSERT_EQ(both.size(), 2u);
        ASSERT_EQ(both[0].size(), 8u);
        for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(both[0][i], both[1][i], 1e-5) << jet;
    }
}

}  // namespace
}  // namespace bunch
