#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "protocol/zmq_frames.h"
#include "tests/protocol/header_bytes.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;
using inference::ModelInferRequest;
using testing::ElementsAre;
using testing::HasSubstr;

/// What the decoder says of `request`: "" if it is good.
std::string verdict(const ModelInferRequest& request) {
    RequestDecoder decoder;
    const Status status = decoder.decode(bytes_of(request.SerializeAsString()));
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::invalid_argument);
    return status.message();
}

TEST(RequestHeader, ReadsEverythingThatAGeneratedClassWrote) {
    const std::string bytes = full_request().SerializeAsString();
    RequestDecoder decoder;

    const Status status = decoder.decode(bytes_of(bytes));

    ASSERT_TRUE(status.ok()) << status.to_string();
    const RequestHeader& header = decoder.header();
    EXPECT_EQ(header.model, "muon");
    EXPECT_EQ(header.version, "2");
    EXPECT_EQ(header.id, "4711");
    EXPECT_EQ(header.client, "worker-07");
    EXPECT_EQ(header.timeout, Duration(2500us));
    EXPECT_EQ(header.priority, 1);
    EXPECT_EQ(header.tenant, "analysis");
    EXPECT_TRUE(header.late_ok);
    EXPECT_FALSE(header.cancel);
    ASSERT_EQ(header.inputs.size(), 2u);
    EXPECT_EQ(header.inputs[0].name, "x");
    EXPECT_EQ(header.inputs[0].type, DataType::f32);
    EXPECT_EQ(header.inputs[0].shape, Shape({1, 5}));
    EXPECT_EQ(header.inputs[0].bytes, 20u);
    EXPECT_EQ(header.inputs[1].bytes, 300u);
    EXPECT_THAT(header.outputs, ElementsAre("y"));
}

TEST(RequestHeader, WritesWhatAGeneratedClassReads) {
    const std::string from = full_request().SerializeAsString();
    RequestDecoder decoder;
    ASSERT_TRUE(decoder.decode(bytes_of(from)).ok());

    std::string bytes;
    encode_request(decoder.header(), bytes);

    ModelInferRequest expected = full_request();
    expected.mutable_parameters()->erase("sequence_start");
    ModelInferRequest read;
    ASSERT_TRUE(read.ParseFromString(bytes));
    EXPECT_EQ(read.DebugString(), expected.DebugString());
}

TEST(RequestHeader, HasTheBytesThatTheProtocolPageShows) {
    RequestHeader header;
    header.model = "m";
    header.id = "7";
    header.client = "c";
    header.inputs.push_back({"x", DataType::f32, Shape{1, 200}, 0});

    std::string bytes;
    encode_request(header, bytes);

    EXPECT_EQ(bytes, std::string("\x0a\x01m"
                                 "\x1a\x01"
                                 "7"
                                 "\x22\x0d\x0a\x06"
                                 "client\x12\x03\x1a\x01"
                                 "c"
                                 "\x2a\x0e\x0a\x01x\x12\x04"
                                 "FP32\x1a\x03\x01\xc8\x01"));
}

TEST(RequestHeader, ForgetsThePreviousRequest) {
    const std::string first = full_request().SerializeAsString();
    const std::string second = small_request().SerializeAsString();
    RequestDecoder decoder;
    ASSERT_TRUE(decoder.decode(bytes_of(first)).ok());

    ASSERT_TRUE(decoder.decode(bytes_of(second)).ok());

    EXPECT_EQ(decoder.header().id, "");
    EXPECT_EQ(decoder.header().version, "");
    EXPECT_EQ(decoder.header().timeout, std::nullopt);
    EXPECT_EQ(decoder.header().priority, 0);
    EXPECT_EQ(decoder.header().tenant, "");
    EXPECT_FALSE(decoder.header().late_ok);
    EXPECT_TRUE(decoder.header().inputs.empty());
    EXPECT_TRUE(decoder.header().outputs.empty());
}

TEST(RequestHeader, ReadsACancelMessageWithoutAModel) {
    RequestHeader header;
    header.id = "12";
    header.client = "w";
    header.cancel = true;
    std::string bytes;
    encode_request(header, bytes);
    RequestDecoder decoder;

    ASSERT_TRUE(decoder.decode(bytes_of(bytes)).ok());

    EXPECT_TRUE(decoder.header().cancel);
    EXPECT_EQ(decoder.header().id, "12");
}

TEST(RequestHeader, TakesZeroForNoTimeoutAndCutsOnesBeyondTheClock) {
    ModelInferRequest request = small_request();
    auto& timeout = (*request.mutable_parameters())["timeout"];
    RequestDecoder decoder;

    timeout.set_uint64_param(0);
    const std::string zero = request.SerializeAsString();
    ASSERT_TRUE(decoder.decode(bytes_of(zero)).ok());
    EXPECT_EQ(decoder.header().timeout, std::nullopt);

    timeout.set_uint64_param(~std::uint64_t{0});
    const std::string most = request.SerializeAsString();
    ASSERT_TRUE(decoder.decode(bytes_of(most)).ok());
    EXPECT_GT(*decoder.header().timeout, Duration(24h * 365 * 200));
}

TEST(RequestHeader, RoundsATimeoutUpToAMicrosecond) {
    RequestHeader header;
    header.client = "w";
    header.model = "m";
    header.timeout = Duration(1);
    std::string bytes;
    encode_request(header, bytes);
    RequestDecoder decoder;
    ASSERT_TRUE(decoder.decode(bytes_of(bytes)).ok());
    EXPECT_EQ(decoder.header().timeout, Duration(1us));
}

TEST(RequestHeader, RefusesContentsInTheHeader) {
    ModelInferRequest request = small_request();
    add_input(request, "x", "FP32", {1});
    request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
    EXPECT_THAT(verdict(request), HasSubstr("input 'x' has its contents in the header: send them"));

    request.mutable_inputs(0)->clear_contents();
    request.add_raw_input_contents("1234");
    EXPECT_THAT(verdict(request), HasSubstr("raw_input_contents in the header: send each"));
}

TEST(RequestHeader, RefusesNamesBeyondTheirLimits) {
    ModelInferRequest request = small_request();
    request.set_id(std::string(kMaxIdBytes, 'i'));
    EXPECT_EQ(verdict(request), "");
    request.set_id(std::string(kMaxIdBytes + 1, 'i'));
    EXPECT_EQ(verdict(request), "id has 129 bytes, the limit is 128");

    request = small_request();
    (*request.mutable_parameters())["client"].set_string_param(std::string(129, 'c'));
    EXPECT_EQ(verdict(request), "parameter 'client' has 129 bytes, the limit is 128");

    request = small_request();
    (*request.mutable_parameters())["tenant"].set_string_param(std::string(129, 't'));
    EXPECT_EQ(verdict(request), "parameter 'tenant' has 129 bytes, the limit is 128");

    request = small_request();
    request.set_model_name(std::string(257, 'm'));
    EXPECT_EQ(verdict(request), "model_name has 257 bytes, the limit is 256");

    request = small_request();
    add_input(request, std::string(257, 'x'), "FP32", {1});
    EXPECT_EQ(verdict(request), "the name of an input or output has 257 bytes, the limit is 256");

    request = small_request();
    request.add_outputs()->set_name(std::string(257, 'x'));
    EXPECT_EQ(verdict(request), "the name of an output has 257 bytes, the limit is 256");
}

TEST(RequestHeader, RefusesAHeaderBeyondItsLimit) {
    RequestDecoder decoder;
    const std::string bytes(kMaxHeaderBytes + 1, '\0');
    EXPECT_EQ(decoder.decode(bytes_of(bytes)).message(),
              "the header frame has 65537 bytes, the limit is 65536");
}

TEST(RequestHeader, RefusesRequestsThatLackWhatEveryOneNeeds) {
    ModelInferRequest request;
    request.set_model_name("muon");
    EXPECT_EQ(verdict(request), "parameter 'client' is missing: every request names its client");

    request = small_request();
    request.clear_model_name();
    EXPECT_EQ(verdict(request), "model_name is missing");

    (*request.mutable_parameters())["cancel"].set_bool_param(true);
    EXPECT_EQ(verdict(request), "a cancel message needs the id of the request that it cancels");
}

TEST(RequestHeader, RefusesParametersOfTheWrongKind) {
    const auto with = [](const char* name, auto set) {
        ModelInferRequest request = small_request();
        set((*request.mutable_parameters())[name]);
        return verdict(request);
    };
    EXPECT_EQ(with("client", [](auto& p) { p.set_int64_param(1); }),
              "parameter 'client' must be a string");
    EXPECT_EQ(with("tenant", [](auto& p) { p.set_bool_param(true); }),
              "parameter 'tenant' must be a string");
    EXPECT_EQ(with("late_ok", [](auto& p) { p.set_int64_param(1); }),
              "parameter 'late_ok' must be a bool");
    EXPECT_EQ(with("cancel", [](auto& p) { p.set_string_param("yes"); }),
              "parameter 'cancel' must be a bool");
    EXPECT_THAT(with("timeout", [](auto& p) { p.set_int64_param(-1); }),
                HasSubstr("parameter 'timeout' must be a number of microseconds, 0 or more"));
    EXPECT_THAT(with("timeout", [](auto& p) { p.set_double_param(1); }),
                HasSubstr("parameter 'timeout'"));
    EXPECT_THAT(with("priority", [](auto& p) { p.set_uint64_param(256); }),
                HasSubstr("parameter 'priority' must be a number from 0"));
    EXPECT_THAT(with("priority", [](auto& p) { p.set_int64_param(-1); }),
                HasSubstr("parameter 'priority'"));
}

TEST(RequestHeader, RefusesTensorsThatNoModelCouldTake) {
    const auto with = [](const std::string& name, const std::string& type,
                         std::initializer_list<std::int64_t> shape) {
        ModelInferRequest request = small_request();
        add_input(request, name, type, shape);
        return verdict(request);
    };
    EXPECT_EQ(with("x", "FP32", {1, 5}), "");
    EXPECT_EQ(with("", "FP32", {1}), "an input has no name");
    EXPECT_THAT(with("x", "BYTES", {1}), HasSubstr("input 'x' has datatype 'BYTES', use one of"));
    EXPECT_THAT(with("x", "FP32", {1, 1, 1, 1, 1, 1, 1, 1, 1}), HasSubstr("more than 8 dim"));
    EXPECT_THAT(with("x", "FP32", {-1, 5}), HasSubstr("input 'x' has a negative extent"));
    EXPECT_THAT(with("x", "FP32", {-7}), HasSubstr("input 'x' has a negative extent"));
    constexpr std::int64_t kHuge = std::int64_t{1} << 40;
    EXPECT_THAT(with("x", "FP32", {kHuge, kHuge}), HasSubstr("too large for any memory"));
}

TEST(RequestHeader, RefusesTensorsGivenTwiceAndTooManyOfThem) {
    ModelInferRequest request = small_request();
    add_input(request, "x", "FP32", {1});
    add_input(request, "x", "FP32", {1});
    EXPECT_EQ(verdict(request), "input 'x' is given twice");

    request = small_request();
    request.add_outputs()->set_name("y");
    request.add_outputs()->set_name("y");
    EXPECT_EQ(verdict(request), "output 'y' is requested twice");

    request = small_request();
    request.add_outputs();
    EXPECT_EQ(verdict(request), "a requested output has no name");

    request = small_request();
    for (int i = 0; i < 65; ++i) add_input(request, std::to_string(i), "FP32", {1});
    EXPECT_EQ(verdict(request), "more than 64 inputs, which is the limit");

    request = small_request();
    for (int i = 0; i < 65; ++i) request.add_outputs()->set_name(std::to_string(i));
    EXPECT_EQ(verdict(request), "more than 64 outputs, which is the limit");
}

TEST(RequestHeader, KeepsTheIdOfARefusedRequestForItsAnswer) {
    ModelInferRequest request = small_request();
    request.set_model_name(std::string(300, 'm'));
    request.set_id("77");
    const std::string bytes = request.SerializeAsString();
    RequestDecoder decoder;

    EXPECT_FALSE(decoder.decode(bytes_of(bytes)).ok());

    EXPECT_EQ(decoder.header().id, "77");
    EXPECT_EQ(decoder.header().client, "w");
}

TEST(RequestHeader, RefusesBytesThatAreNoMessage) {
    RequestDecoder decoder;
    for (const std::string& bytes : {std::string("\xff\xff\xff"), std::string("\x0a\x05m"),
                                     std::string("\x00", 1), std::string("\x0a\x01\xff"),
                                     // a field number beyond 32 bits, which a fuzzer found
                                     std::string("\xd0\xd5\x8a\xff\xff\xff\x09\x32"),
                                     // a length in six bytes, which it found, too
                                     std::string("\x1a\x80\x80\x80\x80\x80\x00\x22\x00", 9),
                                     // one beyond 32 bits, whose lower half would fit
                                     std::string("\x1a\x80\x80\x80\x80\x10", 6)}) {
        EXPECT_THAT(decoder.decode(bytes_of(bytes)).message(), HasSubstr("no ModelInferRequest"));
    }
}

}  // namespace
}  // namespace bunch
