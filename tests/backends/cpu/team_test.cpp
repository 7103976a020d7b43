// Lanes of several threads: who runs which rows, and that the answers stay what they were.
#include "backends/cpu/team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <new>

#include "backends/cpu/program.h"
#include "backends/cpu/team_session.h"
#include "tests/backends/cpu/compare.h"
#include "tests/backends/graph/network_maker.h"

namespace bunch::test_network {
namespace {

using cpu::Team;
using testing::Each;

TEST(Team, CallsEachOfItsThreadsOnceInEveryRound) {
    for (const unsigned size : {1U, 2U, 5U}) {
        Team team(size);
        std::vector<std::atomic<int>> calls(size);
        for (int round = 1; round <= 200; ++round) {
            team.run([&](unsigned worker) { ++calls[worker]; });
            for (const auto& count : calls) ASSERT_EQ(count, round) << "of " << size;
        }
    }
}

TEST(Team, ServesOneCallerAfterTheOther) {
    Team team(3);
    std::atomic<int> owner = 0;
    std::atomic<int> mixed = 0;
    const auto call = [&](int caller) {
        for (int i = 0; i < 100; ++i)
            team.run([&](unsigned worker) {
                if (worker == 0 && owner.exchange(caller) != 0) ++mixed;
                if (worker == 0) owner = 0;
            });
    };

    std::jthread other([&] { call(1); });
    call(2);
    other.join();

    EXPECT_EQ(mixed, 0);
}

/// What sessions share: how often each row was run.
struct Log {
    std::mutex mutex;
    std::vector<int> rows;
    int whole = 0;
};

/// What a session does at a row that it is to fail at.
enum class Failure { status, exception };

/// y = x + 1 on rows of `width` numbers, of which the first counts; marks the row, which is x.
class FakeSession final : public cpu::ModelSession {
  public:
    FakeSession(Log& log, bool whole, float fails_at = -1, Failure failure = Failure::status)
        : log_(log), whole_(whole), fails_at_(fails_at), failure_(failure) {}

    Status run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
               std::vector<Shape>& output_shapes) override {
        const auto rows = static_cast<std::size_t>(inputs[0].shape[0]);
        const std::size_t row_bytes = inputs[0].bytes.size() / rows;
        const std::lock_guard lock(log_.mutex);
        log_.whole += whole_ ? 1 : 0;
        for (std::size_t row = 0; row < rows; ++row) {
            float x = 0;
            std::memcpy(&x, inputs[0].bytes.data() + row_bytes * row, 4);
            if (x == fails_at_ && failure_ == Failure::exception) throw std::bad_alloc();
            if (x == fails_at_) return internal_error("row " + std::to_string(std::lround(x)));
            ++log_.rows[static_cast<std::size_t>(x)];
            x += 1;
            std::memcpy(outputs[0].bytes.data() + row_bytes * row, &x, 4);
        }
        output_shapes = {outputs[0].shape};
        return ok_status();
    }
    void record_times() override {}
    std::vector<cpu::LayerTime> layer_times() const override { return {}; }

  private:
    Log& log_;
    bool whole_;
    float fails_at_;
    Failure failure_;
};

/// A lane of three threads and a batch.
struct Lane {
    explicit Lane(Duration least_time, float fails_at = -1, Failure failure = Failure::status) {
        std::vector<std::unique_ptr<cpu::ModelSession>> sessions;
        for (int i = 0; i < 3; ++i)
            sessions.push_back(std::make_unique<FakeSession>(log, false, fails_at, failure));
        session = make_team_session(team, std::make_unique<FakeSession>(log, true),
                                    std::move(sessions), 8, least_time);
    }

    /// `spare`: numbers that the output has room for beside its rows.
    Status run(std::size_t rows, std::size_t spare = 0, std::size_t width = 1) {
        log.rows.assign(rows, 0);
        x.assign(rows * width, 0), y.assign(rows * width + spare, 0);
        for (std::size_t row = 0; row < rows; ++row) x[row * width] = static_cast<float>(row);
        const Shape shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)};
        const ConstTensorView input(DataType::f32, shape, std::as_bytes(std::span(x)));
        const TensorView output{DataType::f32, shape, std::as_writable_bytes(std::span(y))};
        return session->run({&input, 1}, {&output, 1}, shapes);
    }

    Team team{3};
    Log log;
    std::unique_ptr<cpu::ModelSession> session;
    std::vector<float> x, y;
    std::vector<Shape> shapes;
};

TEST(TeamSession, RunsEveryRowOnceWhoeverTakesIt) {
    Lane lane(Duration::zero());
    ASSERT_TRUE(lane.run(1).ok());  // tells how long a row takes
    for (std::size_t rows = 2; rows < 70; ++rows) {
        ASSERT_TRUE(lane.run(rows).ok());

        EXPECT_THAT(lane.log.rows, Each(1)) << rows;
        for (std::size_t row = 0; row < rows; ++row)
            ASSERT_EQ(lane.y[row], static_cast<float>(row + 1)) << "of " << rows;
        EXPECT_EQ(lane.shapes, (std::vector<Shape>{{static_cast<std::int64_t>(rows), 1}}));
    }
    EXPECT_EQ(lane.log.whole, 1);
}

TEST(TeamSession, KeepsWhatIsNotWorthHandingOut) {
    Lane lane(std::chrono::hours(1));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(lane.run(64).ok());

    EXPECT_EQ(lane.log.whole, 5);
}

TEST(TeamSession, KeepsABatchWhoseOutputsHaveMoreRoomThanTheyNeed) {
    Lane lane(Duration::zero());
    ASSERT_TRUE(lane.run(1).ok());

    ASSERT_TRUE(lane.run(16, 100).ok());

    EXPECT_EQ(lane.log.whole, 2);
    EXPECT_THAT(lane.log.rows, Each(1));
}

TEST(TeamSession, FailsWithThePieceThatFails) {
    Lane lane(Duration::zero(), 37);
    ASSERT_TRUE(lane.run(1).ok());

    const Status status = lane.run(64);

    EXPECT_EQ(status.code(), StatusCode::internal);
    EXPECT_EQ(status.message(), "row 37");
}

// On the caller's thread or on a helper: each has taken pieces with that row before long.
TEST(TeamSession, FailsWithThePieceThatThrowsAndRunsTheNextBatch) {
    for (int round = 0; round < 50; ++round) {
        Lane lane(Duration::zero(), static_cast<float>(30 + round % 30), Failure::exception);
        ASSERT_TRUE(lane.run(1).ok());

        const Status status = lane.run(64);

        EXPECT_EQ(status.code(), StatusCode::internal);
        EXPECT_THAT(status.message(), testing::HasSubstr("bad_alloc"));
        EXPECT_TRUE(lane.run(30).ok());
    }
}

// What a short row takes says nothing about a long one.
TEST(TeamSession, LearnsHowLongRowsTakeForEachSizeOfARow) {
    Lane lane(Duration::zero());
    ASSERT_TRUE(lane.run(16, 0, 2).ok());
    ASSERT_TRUE(lane.run(16, 0, 2).ok());
    EXPECT_EQ(lane.log.whole, 1);

    ASSERT_TRUE(lane.run(16, 0, 64).ok());
    EXPECT_EQ(lane.log.whole, 2);
    ASSERT_TRUE(lane.run(16, 0, 2).ok());
    ASSERT_TRUE(lane.run(16, 0, 64).ok());

    EXPECT_EQ(lane.log.whole, 2);
    EXPECT_THAT(lane.log.rows, Each(1));
}

TEST(WidePlans, GiveTheAnswersOfOneThread) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer cannot see how libgomp's threads begin and end";
#endif
    NetworkMaker maker(11);
    std::string x = maker.convolution(maker.input({-1, 16, 40, 40}), 16, 64, 3);
    x = maker.add("Relu", {x});
    x = maker.add("Add", {maker.convolution(x, 64, 64, 3), x});  // by tiles
    x = maker.add("Relu", {maker.convolution(x, 64, 256, 3, 2)});
    x = maker.convolution(x, 256, 256, 3);  // by outputs
    x = maker.add("GlobalAveragePool", {x});
    maker.output(maker.dense(maker.add("Flatten", {x}), 256, 300));
    const Result<Graph> graph = graph_of(maker.network, true);
    ASSERT_TRUE(graph.ok()) << graph.status().to_string();
    const auto numbers = maker.numbers({1, 16, 40, 40}).numbers;
    const std::vector<float> input(numbers.begin(), numbers.end());
    std::vector<std::vector<float>> answers;
    for (const unsigned threads : {1U, 2U, 3U, 7U}) {
        cpu::ProgramOptions options;
        options.threads = threads;
        const auto program = cpu::Program::prepare(*graph, 2, options);
        ASSERT_TRUE(program.ok()) << program.status().to_string();
        EXPECT_EQ((*program)->wide_plan() != nullptr, threads > 1);
        const auto session = cpu::Session::open(*program, true);
        ASSERT_TRUE(session.ok());
        answers.emplace_back(300);
        const ConstTensorView from(DataType::f32, {1, 16, 40, 40}, std::as_bytes(std::span(input)));
        const TensorView to{
            DataType::f32, {1, 300}, std::as_writable_bytes(std::span(answers.back()))};
        ASSERT_TRUE((*session)->run({&from, 1}, {&to, 1}).ok());
    }
    for (const auto& answer : answers)
        for (std::size_t i = 0; i < answer.size(); ++i)
            ASSERT_NEAR(answer[i], answers[0][i], 1e-4) << i;
}

TEST(WidePlans, AreNotMadeForSmallModels) {
    NetworkMaker maker(12);
    maker.output(maker.dense(maker.input({-1, 300}), 300, 300));
    cpu::ProgramOptions options;
    options.threads = 4;

    const auto program = cpu::Program::prepare(*graph_of(maker.network, true), 2, options);

    ASSERT_TRUE(program.ok());
    EXPECT_EQ((*program)->wide_plan(), nullptr);
}

}  // namespace
}  // namespace bunch::test_network
