// Models that leave more than the rows open: requests of any shape are answered, those of equal
// shape together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/fakes/kept_memory.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

using testing::HasSubstr;

std::string open_model(const std::string& more_of_device = "") {
    return "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\noptions = {fixed = \"2ms\"}\n" +
           more_of_device +
           "[[model]]\nname = \"open\"\n"
           "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, -1] }]\n"
           "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, -1] }]\n";
}

std::vector<float> numbers(int request, std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = static_cast<float>(request * 1000) + static_cast<float>(i);
    return values;
}

TEST(OpenShapes, AreAnsweredInBatchesOfEqualShape) {
    constexpr int kRequests = 300;
    DaemonProcess daemon(open_model());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    const auto length_of = [](int request) { return 1 + request % 3; };

    for (int i = 0; i < kRequests; ++i)
        client.send(request_frames(request_header("open", {2, length_of(i)}, std::to_string(i)),
                                   numbers(i, 2 * static_cast<std::size_t>(length_of(i)))));

    for (int i = 0; i < kRequests; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        const int id = std::stoi(reply->header.id());
        ASSERT_EQ(reply->header.outputs(0).shape(0), 2);
        ASSERT_EQ(reply->header.outputs(0).shape(1), length_of(id));
        ASSERT_EQ(reply->floats(0), numbers(id, 2 * static_cast<std::size_t>(length_of(id))));
    }
    EXPECT_GT(daemon.metric("bunch_batch_rows_sum"), 2 * daemon.metric("bunch_batch_rows_count"));
}

TEST(OpenShapes, AreSplitAndJoinedLikeOthers) {
    DaemonProcess daemon(open_model());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply =
        client.ask(request_frames(request_header("open", {100, 7}), numbers(1, 700)));

    EXPECT_EQ(reply.status(), "ok") << reply.message();
    EXPECT_EQ(reply.floats(0), numbers(1, 700));
}

TEST(OpenShapes, AreRefusedWhereAFullBatchOfThemWouldNotFit) {
    DaemonProcess daemon(open_model("arena_bytes = \"64KiB\"\n"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply large =
        client.ask(request_frames(request_header("open", {1, 2000}), numbers(1, 2000)));
    const RawReply small =
        client.ask(request_frames(request_header("open", {1, 100}), numbers(1, 100)));

    EXPECT_EQ(large.status(), "invalid_argument");
    EXPECT_THAT(large.message(), HasSubstr("a batch of 32 rows like these has no place"));
    EXPECT_EQ(small.status(), "ok") << small.message();
}

/// "seen" is the mask as the model got it, cut back like everything else.
std::string padded_model(const std::string& dimension = "P") {
    return "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\noptions = {fixed = \"2ms\"}\n"
           "[[model]]\nname = \"jets\"\n"
           "padding = [{dimension = \"" +
           dimension +
           "\", buckets = [4, 8], mask = \"mask\"}]\n"
           "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, \"P\"] },"
           "{ name = \"mask\", type = \"FP32\", shape = [-1, \"P\"] }]\n"
           "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, \"P\"] },"
           "{ name = \"seen\", type = \"FP32\", shape = [-1, \"P\"] }]\n";
}

TEST(PaddedShapes, ShareBatchesAndAreAnsweredInTheirOwnLength) {
    constexpr int kRequests = 300;
    DaemonProcess daemon(padded_model());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    const auto length_of = [](int request) { return request % 9; };

    for (int i = 0; i < kRequests; ++i)
        client.send(request_frames(request_header("jets", {2, length_of(i)}, std::to_string(i)),
                                   numbers(i, 2 * static_cast<std::size_t>(length_of(i)))));

    for (int i = 0; i < kRequests; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        const int id = std::stoi(reply->header.id());
        const auto count = 2 * static_cast<std::size_t>(length_of(id));
        ASSERT_EQ(reply->header.outputs(0).shape(1), length_of(id));
        ASSERT_EQ(reply->floats(0), numbers(id, count));
        ASSERT_EQ(reply->floats(1), std::vector<float>(count, 1));
    }
    // Nine lengths in two buckets: had each its own batches, these would be smaller.
    EXPECT_GT(daemon.metric("bunch_batch_rows_sum"), 20 * daemon.metric("bunch_batch_rows_count"));
}

TEST(PaddedShapes, MayBringTheirOwnMask) {
    DaemonProcess daemon(padded_model());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    auto header = request_header("jets", {1, 3});
    auto* mask = header.add_inputs();
    mask->set_name("mask");
    mask->set_datatype("FP32");
    mask->add_shape(1);
    mask->add_shape(3);
    std::vector<std::string> frames = request_frames(header, {7, 8, 9});
    frames.push_back(request_frames(header, {1, 0, 1}).at(1));

    const RawReply reply = client.ask(frames);

    EXPECT_EQ(reply.status(), "ok") << reply.message();
    EXPECT_EQ(reply.floats(0), (std::vector<float>{7, 8, 9}));
    EXPECT_EQ(reply.floats(1), (std::vector<float>{1, 0, 1}));
}

TEST(PaddedShapes, AreSplitAndJoinedLikeOthers) {
    DaemonProcess daemon(padded_model());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply =
        client.ask(request_frames(request_header("jets", {100, 7}), numbers(1, 700)));

    EXPECT_EQ(reply.status(), "ok") << reply.message();
    EXPECT_EQ(reply.floats(0), numbers(1, 700));
}

TEST(PaddedShapes, AreRefusedAboveTheLargestBucket) {
    DaemonProcess daemon(padded_model());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply reply =
        client.ask(request_frames(request_header("jets", {1, 9}), numbers(1, 9)));

    EXPECT_EQ(reply.status(), "invalid_argument");
    EXPECT_THAT(reply.message(),
                HasSubstr("input 'x' has 9 of 'P', the largest padding bucket is 8"));
}

/// "n" is the length of each row, which requests leave out, and "seen" what the model got of it.
std::string model_with_lengths() {
    return "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
           "[[model]]\nname = \"points\"\nmax_rows_per_request = 1000\n"
           "padding = [{dimension = \"P\", buckets = [16], length = \"n\"}]\n"
           "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, \"P\", 4] },"
           "{ name = \"n\", type = \"INT64\", shape = [-1] }]\n"
           "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, \"P\", 4] },"
           "{ name = \"seen\", type = \"INT64\", shape = [-1] }]\n";
}

// 4294967295 rows without bytes: their lengths alone would be 34 GB.
TEST(PaddedShapes, OfMoreRowsThanARequestMayHaveAreRefusedBeforeAnythingIsMadeForThem) {
    DaemonProcess daemon(model_with_lengths());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    for (const std::int64_t rows : {1001LL, 4294967295LL}) {
        const RawReply reply =
            client.ask(request_frames(request_header("points", {rows, 0, 4}), {}));

        EXPECT_EQ(reply.status(), "invalid_argument");
        EXPECT_EQ(reply.message(), "model 'points': " + std::to_string(rows) +
                                       " rows in one request, max_rows_per_request is 1000");
    }
    const RawReply small =
        client.ask(request_frames(request_header("points", {2, 1, 4}), numbers(1, 8)));
    EXPECT_EQ(small.status(), "ok") << small.message();
    EXPECT_EQ(daemon.metric("bunch_rejected_total{reason=\"too_large\"}"), 2);
}

/// A request of "wide" brings no byte of x, but needs a mask of its rows and of P.
std::string model_with_large_masks() {
    return "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
           "options = {fixed = \"600s\"}\n"
           "[[model]]\nname = \"wide\"\nmax_batch_rows = 3000\n"
           "padding = [{dimension = \"P\", buckets = [64], mask = \"mask\"}]\n"
           "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, \"P\", -1] },"
           "{ name = \"mask\", type = \"FP32\", shape = [-1, \"P\"] }]\n"
           "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, \"P\", -1] }]\n";
}

// 256 bytes of mask for each row of x, which has none.
TEST(PaddedShapes, CountWhatIsMadeForThemAgainstTheLimits) {
    DaemonProcess daemon(model_with_large_masks(),
                         "max_message_bytes = \"1MiB\"\nmax_frame_bytes = \"1MiB\"\n"
                         "max_open_bytes = \"1MiB\"\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    const RawReply too_large =
        client.ask(request_frames(request_header("wide", {5000, 64, 0}), {}));
    for (const char* id : {"first", "second"})  // the first one stays on the device
        client.send(request_frames(request_header("wide", {3000, 64, 0}, id), {}));
    const auto second = client.receive();

    EXPECT_EQ(too_large.status(), "invalid_argument");
    EXPECT_THAT(too_large.message(), HasSubstr("limits.max_message_bytes"));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->header.id(), "second");
    EXPECT_EQ(second->status(), "resource_exhausted");
    EXPECT_THAT(second->message(), HasSubstr("limits.max_open_bytes"));
}

// One such request, taken at its word, would be 34 GB.
constexpr std::uint64_t kMostGrowth = (std::uint64_t{64} << 20) + kKeptBySanitizers;

TEST(PaddedShapes, OfAnyExtentsAreAnsweredOrRefusedAndTheDaemonStaysAsItIs) {
    constexpr unsigned kSeed = 20261121;
    RecordProperty("seed", static_cast<int>(kSeed));
    DaemonProcess daemon(model_with_lengths());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    std::mt19937 random(kSeed);
    constexpr std::array kExtents = {
        std::int64_t{0},       std::int64_t{1},
        std::int64_t{4},       std::int64_t{16},
        std::int64_t{17},      std::int64_t{1000},
        std::int64_t{1001},    std::int64_t{1} << 31,
        std::int64_t{1} << 32, (std::int64_t{1} << 32) - 1,
        std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::max()};
    const std::uint64_t before = daemon.resident_bytes();
    int good = 0;
    int refused = 0;
    for (int i = 0; i < 3000; ++i) {
        std::vector<std::int64_t> shape = {kExtents[random() % kExtents.size()],
                                           kExtents[random() % kExtents.size()], 4};
        if (random() % 8 == 0) shape[2] = kExtents[random() % kExtents.size()];
        double elements = 1;
        for (const std::int64_t extent : shape) elements *= static_cast<double>(extent);
        const std::vector<float> values(elements < 1e5 ? static_cast<std::size_t>(elements) : 0);

        const RawReply reply = client.ask(request_frames(request_header("points", shape), values));

        if (reply.status() == "ok") ++good;
        if (reply.status() == "invalid_argument") ++refused;
    }

    EXPECT_EQ(good + refused, 3000) << "seed " << kSeed;
    EXPECT_GT(good, 100) << "seed " << kSeed;
    EXPECT_GT(refused, 1000) << "seed " << kSeed;
    EXPECT_LT(daemon.resident_bytes(), before + kMostGrowth);
    EXPECT_EQ(daemon.stop().code, 0);
}

TEST(PaddedShapes, OfADimensionThatTheModelHasNotRefuseTheModel) {
    DaemonProcess daemon(padded_model("Q"));
    daemon.start();

    EXPECT_TRUE(daemon.wait_for_log("where beside the rows only 'Q' may be open"));
    EXPECT_THAT(daemon.log(), HasSubstr("model_refused"));
}

}  // namespace
}  // namespace bunch
