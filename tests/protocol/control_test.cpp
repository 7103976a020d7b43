#include "protocol/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "protocol/bunch_status.pb.h"
#include "tests/protocol/header_bytes.h"

namespace bunch {
namespace {

using testing::HasSubstr;
using Frames = std::vector<std::span<const std::byte>>;

Frames frames_of(const ControlReply& reply) {
    return {bytes_of(reply.status), bytes_of(reply.message), bytes_of(reply.body)};
}

TEST(Control, NamesEveryMethodAndFindsItAgain) {
    for (int number = 0; number <= static_cast<int>(ControlMethod::status); ++number) {
        const auto method = static_cast<ControlMethod>(number);
        EXPECT_EQ(control_method_named(name_of(method)), method);
    }
    EXPECT_EQ(control_method_named("Reboot"), std::nullopt);
}

TEST(Control, ReadsARequestAndItsBody) {
    inference::ModelMetadataRequest sent;
    sent.set_name("muon");
    const std::string body = sent.SerializeAsString();
    ControlRequest request;

    ASSERT_TRUE(
        decode_control_request(Frames{bytes_of("ModelMetadata"), bytes_of(body)}, request).ok());

    inference::ModelMetadataRequest read;
    EXPECT_EQ(request.method, ControlMethod::model_metadata);
    ASSERT_TRUE(request.parse(read).ok());
    EXPECT_EQ(read.name(), "muon");
}

TEST(Control, TakesAMissingBodyForAnEmptyOne) {
    ControlRequest request;
    ASSERT_TRUE(decode_control_request(Frames{bytes_of("ServerLive")}, request).ok());
    inference::ServerLiveRequest read;
    EXPECT_TRUE(request.parse(read).ok());
}

TEST(Control, RefusesUnknownMethodsWrongFramesAndWrongBodies) {
    ControlRequest request;
    EXPECT_EQ(decode_control_request(Frames{bytes_of("Reboot")}, request).code(),
              StatusCode::unimplemented);
    EXPECT_THAT(decode_control_request(Frames{bytes_of("Reboot")}, request).message(),
                HasSubstr("use one of ServerLive, ServerReady,"));
    EXPECT_EQ(decode_control_request(Frames{}, request).code(), StatusCode::invalid_argument);
    EXPECT_EQ(decode_control_request(Frames(3), request).code(), StatusCode::invalid_argument);

    ASSERT_TRUE(
        decode_control_request(Frames{bytes_of("ModelReady"), bytes_of("\xff")}, request).ok());
    inference::ModelReadyRequest read;
    EXPECT_EQ(request.parse(read).message(),
              "the body of ModelReady is no inference.ModelReadyRequest");
}

TEST(Control, CarriesAnAnswerToTheClient) {
    v1::StatusResponse sent;
    sent.set_name("bunchd");
    const ControlReply reply = control_reply(sent);
    v1::StatusResponse read;

    ASSERT_TRUE(decode_control_reply(frames_of(reply), read).ok());

    EXPECT_EQ(read.name(), "bunchd");
}

TEST(Control, CarriesAFailureToTheClient) {
    const ControlReply reply = control_failure(not_found("no model 'x'"));
    v1::StatusResponse read;

    EXPECT_EQ(decode_control_reply(frames_of(reply), read), not_found("no model 'x'"));
}

TEST(Control, RefusesRepliesThatAreNone) {
    v1::StatusResponse read;
    EXPECT_EQ(decode_control_reply(Frames(2), read).code(), StatusCode::internal);
    EXPECT_EQ(decode_control_reply(Frames(3), read).code(), StatusCode::internal);
    EXPECT_EQ(
        decode_control_reply(Frames{bytes_of("ok"), bytes_of(""), bytes_of("\xff")}, read).code(),
        StatusCode::internal);
}

}  // namespace
}  // namespace bunch
