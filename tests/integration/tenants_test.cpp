// Who shares the daemon: tenants as requests name them, and what is counted for each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

const std::string kTenants = "[[tenant]]\nname = \"analysis\"\nweight = 2\n";

inference::ModelInferRequest header_of(const std::string& tenant) {
    inference::ModelInferRequest header = request_header("echo", {2, 4});
    if (!tenant.empty()) (*header.mutable_parameters())["tenant"].set_string_param(tenant);
    return header;
}

TEST(Tenants, AreCountedByTheNamesOfTheConfigurationOnly) {
    DaemonProcess daemon(kTenants + echo_config("1ms"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    for (const char* tenant : {"analysis", "analysis", "nobody", ""}) {
        const RawReply reply = client.ask(request_frames(header_of(tenant), std::vector<float>(8)));
        EXPECT_EQ(reply.status(), "ok") << reply.message();
    }
    EXPECT_TRUE(daemon.wait_for_metric("bunch_tenant_requests_total", 4));

    EXPECT_EQ(daemon.metric("bunch_tenant_requests_total{tenant=\"analysis\"}"), 2);
    EXPECT_EQ(daemon.metric("bunch_tenant_requests_total{tenant=\"default\"}"), 2);
    EXPECT_EQ(daemon.metric("bunch_tenant_requests_total"), 4);
    EXPECT_EQ(daemon.metric("bunch_tenant_rows_total{tenant=\"analysis\"}"), 4);
    EXPECT_EQ(daemon.metric("bunch_tenant_bytes_total{tenant=\"analysis\"}"), 64);
    EXPECT_GE(daemon.metric("bunch_tenant_device_seconds_total{tenant=\"analysis\"}"), 0.002);
}

TEST(Tenants, AreToldAndCountedWhatWasRefusedOfTheirs) {
    DaemonProcess daemon(kTenants + echo_config());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    inference::ModelInferRequest wrong = header_of("analysis");
    wrong.mutable_inputs(0)->set_shape(1, 5);

    EXPECT_EQ(client.ask(request_frames(wrong, std::vector<float>(10))).status(),
              "invalid_argument");
    inference::ModelInferRequest unknown = header_of("nobody");
    unknown.set_model_name("other");
    EXPECT_EQ(client.ask(request_frames(unknown, std::vector<float>(8))).status(), "not_found");

    EXPECT_EQ(daemon.metric("bunch_tenant_rejected_total{tenant=\"analysis\",reason=\"wrong_shape"),
              1);
    EXPECT_EQ(
        daemon.metric("bunch_tenant_rejected_total{tenant=\"default\",reason=\"unknown_model"), 1);
}

TEST(Tenants, AreRefusedWhatExceedsTheirQuota) {
    DaemonProcess daemon("[[tenant]]\nname = \"small\"\nrows_per_second = 0.001\nburst_rows = 4\n" +
                         echo_config());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    const auto ask = [&](const std::string& tenant) {
        return client.ask(request_frames(header_of(tenant), std::vector<float>(8)));
    };

    EXPECT_EQ(ask("small").status(), "ok");
    EXPECT_EQ(ask("small").status(), "ok");
    const RawReply third = ask("small");

    EXPECT_EQ(third.status(), "resource_exhausted");
    EXPECT_THAT(third.message(), testing::HasSubstr("small"));
    EXPECT_EQ(ask("other").status(), "ok");
    EXPECT_EQ(daemon.metric("bunch_tenant_rejected_total{tenant=\"small\",reason=\"quota\"}"), 1);
    EXPECT_EQ(daemon.metric("bunch_rejected_total{reason=\"quota\"}"), 1);
}

TEST(Tenants, GetALateAnswerWhereTheySaidThatItIsBetterThanNone) {
    DaemonProcess daemon(kTenants + echo_config("20ms"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    inference::ModelInferRequest header = header_of("analysis");
    (*header.mutable_parameters())["timeout"].set_int64_param(1);
    EXPECT_EQ(client.ask(request_frames(header, std::vector<float>(8))).status(),
              "deadline_exceeded");

    (*header.mutable_parameters())["late_ok"].set_bool_param(true);
    const RawReply reply = client.ask(request_frames(header, std::vector<float>(8)));

    EXPECT_EQ(reply.status(), "ok") << reply.message();
}

}  // namespace
}  // namespace bunch
