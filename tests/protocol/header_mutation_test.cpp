// Headers with bytes changed at random: the decoders never crash, never accept what protobuf's own
// parser refuses, and read the same values where they accept.
#include <gtest/gtest.h>

#include <random>

#include "protocol/zmq_frames.h"
#include "tests/protocol/header_bytes.h"

namespace bunch {
namespace {

constexpr std::uint64_t kSeed = 20240607;
constexpr int kRounds = 200000;

std::string mutated(std::string bytes, std::mt19937_64& random) {
    const auto below = [&](std::size_t limit) { return random() % limit; };
    for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
        const std::size_t at = below(bytes.size());
        switch (below(5)) {
            case 0:
                bytes[at] = static_cast<char>(random());
                break;
            case 1:
                bytes.erase(at, 1 + below(4));
                break;
            case 2:
                bytes.insert(at, 1 + below(3), static_cast<char>(random()));
                break;
            case 3:
                bytes.resize(at);
                break;
            default:
                bytes.insert(at, bytes.substr(below(bytes.size()), below(24)));
        }
    }
    return bytes;
}

template <typename Tensors, typename Headers>
void expect_same_tensors(const Tensors& tensors, const Headers& headers) {
    ASSERT_EQ(tensors.size(), static_cast<int>(headers.size()));
    for (std::size_t i = 0; i < headers.size(); ++i) {
        const auto& tensor = tensors[static_cast<int>(i)];
        EXPECT_EQ(headers[i].name, tensor.name());
        EXPECT_EQ(name_of(headers[i].type), tensor.datatype());
        EXPECT_EQ(headers[i].shape, *Shape::from({tensor.shape().data(),
                                                  static_cast<std::size_t>(tensor.shape_size())}));
    }
}

TEST(HeaderMutation, RequestsAreReadAsProtobufReadsThemOrRefused) {
    RecordProperty("seed", std::to_string(kSeed));
    std::mt19937_64 random(kSeed);
    google::protobuf::LogSilencer silence;
    const std::string good = full_request().SerializeAsString();
    RequestDecoder decoder;
    int accepted = 0;
    int refused_whole = 0;
    for (int round = 0; round < kRounds; ++round) {
        const std::string bytes = mutated(good, random);
        inference::ModelInferRequest parsed;
        const bool whole = parsed.ParseFromString(bytes);
        const Status status = decoder.decode(bytes_of(bytes));
        const bool malformed = status.message().find("no ModelInferRequest") != std::string::npos;
        ASSERT_TRUE(whole || !status.ok()) << "seed " << kSeed << " round " << round;
        ASSERT_FALSE(whole && malformed) << "seed " << kSeed << " round " << round;
        if (!status.ok()) {
            ASSERT_EQ(status.code(), StatusCode::invalid_argument);
            refused_whole += whole ? 1 : 0;
            continue;
        }
        ++accepted;
        const RequestHeader& header = decoder.header();
        EXPECT_EQ(header.id, parsed.id());
        EXPECT_EQ(header.model, parsed.model_name());
        EXPECT_EQ(header.version, parsed.model_version());
        EXPECT_EQ(header.client, parsed.parameters().at("client").string_param());
        expect_same_tensors(parsed.inputs(), header.inputs);
        ASSERT_EQ(parsed.outputs_size(), static_cast<int>(header.outputs.size()));
        ASSERT_FALSE(HasFailure()) << "seed " << kSeed << " round " << round;
    }
    EXPECT_GT(accepted, kRounds / 100);
    EXPECT_GT(refused_whole, kRounds / 100);
}

TEST(HeaderMutation, RepliesAreReadAsProtobufReadsThemOrRefused) {
    RecordProperty("seed", std::to_string(kSeed));
    std::mt19937_64 random(kSeed);
    google::protobuf::LogSilencer silence;
    const std::string good = full_response().SerializeAsString();
    ResponseDecoder decoder;
    int accepted = 0;
    for (int round = 0; round < kRounds; ++round) {
        const std::string bytes = mutated(good, random);
        inference::ModelInferResponse parsed;
        const bool whole = parsed.ParseFromString(bytes);
        const Status status = decoder.decode(bytes_of(bytes));
        const bool malformed = status.message().find("no ModelInferResponse") != std::string::npos;
        ASSERT_TRUE(whole || !status.ok()) << "seed " << kSeed << " round " << round;
        ASSERT_FALSE(whole && malformed) << "seed " << kSeed << " round " << round;
        if (!status.ok()) continue;
        ++accepted;
        EXPECT_EQ(decoder.header().id, parsed.id());
        EXPECT_EQ(decoder.header().model, parsed.model_name());
        expect_same_tensors(parsed.outputs(), decoder.header().outputs);
        ASSERT_FALSE(HasFailure()) << "seed " << kSeed << " round " << round;
    }
    EXPECT_GT(accepted, kRounds / 100);
}

}  // namespace
}  // namespace bunch
