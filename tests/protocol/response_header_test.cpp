#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/status_map.h"
#include "protocol/zmq_frames.h"
#include "tests/protocol/header_bytes.h"

namespace bunch {
namespace {

using inference::ModelInferResponse;
using testing::HasSubstr;

TEST(ResponseHeader, ReadsEverythingThatAGeneratedClassWrote) {
    const std::string bytes = full_response().SerializeAsString();
    ResponseDecoder decoder;

    ASSERT_TRUE(decoder.decode(bytes_of(bytes)).ok());

    const ResponseHeader& header = decoder.header();
    EXPECT_EQ(header.model, "muon");
    EXPECT_EQ(header.version, "2");
    EXPECT_EQ(header.id, "4711");
    EXPECT_EQ(header.credit_bytes, 1 << 20);
    EXPECT_EQ(header.device_class, "cpu");
    EXPECT_EQ(header.precision, "f32");
    EXPECT_EQ(header.code, StatusCode::ok);
    ASSERT_EQ(header.outputs.size(), 1u);
    EXPECT_EQ(header.outputs[0].name, "y");
    EXPECT_EQ(header.outputs[0].bytes, 12u);
}

TEST(ResponseHeader, WritesWhatAGeneratedClassReads) {
    const std::string from = full_response().SerializeAsString();
    ResponseDecoder decoder;
    ASSERT_TRUE(decoder.decode(bytes_of(from)).ok());

    std::string bytes;
    encode_response(decoder.header(), bytes);

    ModelInferResponse read;
    ASSERT_TRUE(read.ParseFromString(bytes));
    EXPECT_EQ(read.DebugString(), full_response().DebugString());
}

TEST(ResponseHeader, CarriesEveryStatusByItsName) {
    ResponseDecoder decoder;
    for (int number = 1; number <= 16; ++number) {
        const auto code = static_cast<StatusCode>(number);
        std::string bytes;
        encode_failure("9", Status(code, "because"), 77, bytes);

        ASSERT_TRUE(decoder.decode(bytes_of(bytes)).ok());

        EXPECT_EQ(decoder.header().id, "9");
        EXPECT_EQ(decoder.header().code, code);
        EXPECT_EQ(decoder.header().message, "because");
        EXPECT_EQ(decoder.header().credit_bytes, 77);
    }
}

TEST(ResponseHeader, TakesAStatusThatItDoesNotKnowForUnknown) {
    ModelInferResponse response;
    (*response.mutable_parameters())["status"].set_string_param("exploded");
    const std::string bytes = response.SerializeAsString();
    ResponseDecoder decoder;

    ASSERT_TRUE(decoder.decode(bytes_of(bytes)).ok());

    EXPECT_EQ(decoder.header().code, StatusCode::unknown);
}

TEST(ResponseHeader, MakesAMessagePresentable) {
    ResponseDecoder decoder;
    std::string bytes;
    encode_failure("", internal_error("bad\xff" + std::string(5000, 'x')), std::nullopt, bytes);

    ASSERT_TRUE(decoder.decode(bytes_of(bytes)).ok());

    EXPECT_EQ(decoder.header().message.size(), kMaxMessageBytes);
    EXPECT_EQ(decoder.header().message.substr(0, 5), "bad?x");
    EXPECT_EQ(decoder.header().credit_bytes, std::nullopt);
}

TEST(ResponseHeader, RefusesContentsAndFailuresWithOutputs) {
    ResponseDecoder decoder;
    ModelInferResponse response = full_response();
    response.add_raw_output_contents("1");
    EXPECT_THAT(decoder.decode(bytes_of(response.SerializeAsString())).message(),
                HasSubstr("raw_output_contents"));

    response = full_response();
    (*response.mutable_parameters())["status"].set_string_param("internal");
    EXPECT_THAT(decoder.decode(bytes_of(response.SerializeAsString())).message(),
                HasSubstr("is a failure and has outputs"));

    EXPECT_THAT(decoder.decode(bytes_of("\xff")).message(), HasSubstr("no ModelInferResponse"));
    EXPECT_THAT(decoder.decode(bytes_of(std::string(kMaxHeaderBytes + 1, 'x'))).message(),
                HasSubstr("the limit is 65536"));
}

TEST(StatusMap, GivesGrpcItsNumbersAndHttpTheCodesOfTheArchitecture) {
    EXPECT_EQ(grpc_number(StatusCode::unavailable), 14);
    EXPECT_EQ(http_code(StatusCode::ok), 200);
    EXPECT_EQ(http_code(StatusCode::invalid_argument), 400);
    EXPECT_EQ(http_code(StatusCode::not_found), 404);
    EXPECT_EQ(http_code(StatusCode::resource_exhausted), 429);
    EXPECT_EQ(http_code(StatusCode::deadline_exceeded), 504);
    EXPECT_EQ(http_code(StatusCode::unavailable), 503);
    EXPECT_EQ(http_code(StatusCode::internal), 500);
    for (int number = 1; number <= 16; ++number)
        EXPECT_GE(http_code(static_cast<StatusCode>(number)), 400);
}

}  // namespace
}  // namespace bunch
