#include "backends/host/model_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/host_driver.h"

namespace bunch::test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kSlot = 1 << 16;

ModelSpec with_file(ModelSpec spec) {
    spec.path = "/models/" + spec.name;
    return spec;
}

wire::Loaded good(ModelId id, std::uint32_t rows = 8) {
    return {id, {}, {echo_signature(4), rows, 0}};
}

std::string failure_in(const std::vector<HostEvent>& events) {
    if (events.size() != 1) return std::to_string(events.size()) + " events";
    const auto* failed = std::get_if<InstanceFailed>(&events[0]);
    return failed == nullptr ? "no failure" : failed->status.message();
}

class ModelBookTest : public testing::Test {
  protected:
    ModelBook book_{"dev0", true};
    std::vector<HostEvent> events_;
};

TEST_F(ModelBookTest, LoadsOneModelAtATimeInTheirOrder) {
    book_.add(ModelId{1}, echo_model("b"));
    book_.add(ModelId{0}, echo_model("a"));

    EXPECT_EQ(book_.next_load(kSlot, events_)->model, ModelId{0});
    EXPECT_FALSE(book_.next_load(kSlot, events_));
    book_.load_done(good(ModelId{0}), kSlot, events_);
    EXPECT_EQ(book_.next_load(kSlot, events_)->model, ModelId{1});
    EXPECT_TRUE(std::holds_alternative<InstanceUp>(events_.at(0)));
}

TEST_F(ModelBookTest, HasModelsWithAFileTriedFirstAndOthersNot) {
    book_.add(ModelId{0}, with_file(echo_model("file")));
    book_.add(ModelId{1}, echo_model("no file"));

    EXPECT_EQ(book_.next_load(kSlot, events_)->model, ModelId{1});
    EXPECT_EQ(book_.next_trial()->model, ModelId{0});
    EXPECT_FALSE(book_.next_trial());
    book_.trial_done(ModelId{0}, LoadedModel{echo_signature(4), 1, 0}, events_);
    book_.load_done(good(ModelId{1}), kSlot, events_);
    EXPECT_EQ(book_.next_load(kSlot, events_)->model, ModelId{0});
}

TEST_F(ModelBookTest, NeverLoadsWhatFailedItsTrial) {
    book_.add(ModelId{0}, with_file(echo_model("bad")));
    ASSERT_TRUE(book_.next_trial());

    book_.trial_done(ModelId{0}, internal_error("it crashed"), events_);

    EXPECT_EQ(failure_in(events_), "it crashed");
    EXPECT_FALSE(book_.next_load(kSlot, events_));
    EXPECT_FALSE(book_.next_trial());
}

TEST_F(ModelBookTest, AsksForNoMoreRowsThanFitASlot) {
    book_.add(ModelId{0}, echo_model("m"));  // a row takes 16 bytes in and 16 out

    EXPECT_EQ(book_.next_load(256, events_)->spec.max_batch_rows, 8u);
}

TEST_F(ModelBookTest, CutsTheRowsOfAModelWhoseSignatureOnlyTheLoadTells) {
    ModelSpec spec = echo_model("m");
    spec.signature = {};
    book_.add(ModelId{0}, spec);
    EXPECT_EQ(book_.next_load(256, events_)->spec.max_batch_rows, 32u);

    book_.load_done(good(ModelId{0}, 32), 256, events_);

    EXPECT_EQ(std::get<InstanceUp>(events_.at(0)).loaded.max_batch_rows, 8u);
}

TEST_F(ModelBookTest, FailsAModelOfWhichNoRowFitsASlot) {
    book_.add(ModelId{0}, echo_model("wide", 1000000));

    EXPECT_FALSE(book_.next_load(kSlot, events_));

    EXPECT_THAT(failure_in(events_), HasSubstr("raise arena_bytes of device 'dev0'"));
}

TEST_F(ModelBookTest, LoadsEverythingAgainAfterALoss) {
    book_.add(ModelId{0}, echo_model("m"));
    ASSERT_TRUE(book_.next_load(kSlot, events_));
    book_.load_done(good(ModelId{0}), kSlot, events_);

    book_.runner_lost(false, events_);

    EXPECT_EQ(book_.next_load(kSlot, events_)->model, ModelId{0});
}

TEST_F(ModelBookTest, GivesUpAModelWhoseLoadEndedTwoRunners) {
    book_.add(ModelId{0}, echo_model("poison"));
    book_.add(ModelId{1}, echo_model("good"));
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(book_.next_load(kSlot, events_)->model, ModelId{0});
        book_.runner_lost(false, events_);
    }

    EXPECT_THAT(failure_in(events_), HasSubstr("'poison': device 'dev0' was lost 2 times"));
    EXPECT_EQ(book_.next_load(kSlot, events_)->model, ModelId{1});
}

TEST_F(ModelBookTest, HasAModelWaitForMemoryAndSaysSoOnce) {
    book_.add(ModelId{0}, echo_model("m"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(book_.next_load(kSlot, events_));
        book_.load_done({ModelId{0}, resource_exhausted("the bank is full"), {}}, kSlot, events_);
        EXPECT_TRUE(book_.has_waiting());
        EXPECT_FALSE(book_.next_load(kSlot, events_));
        book_.retry_waiting();
    }

    EXPECT_EQ(failure_in(events_), "model 'm': the bank is full");
    EXPECT_FALSE(book_.has_waiting());
    EXPECT_TRUE(book_.next_load(kSlot, events_));
}

TEST_F(ModelBookTest, DoesNotBlameAModelForADeviceThatBrokeWhileItWasLoaded) {
    book_.add(ModelId{0}, echo_model("m"));
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(book_.next_load(kSlot, events_)->model, ModelId{0});
        book_.runner_lost(true, events_);
    }

    EXPECT_TRUE(events_.empty());
}

TEST_F(ModelBookTest, SaysNothingOfAModelThatWasRemovedWhileItWasLoaded) {
    book_.add(ModelId{0}, echo_model("m"));
    ASSERT_TRUE(book_.next_load(kSlot, events_));

    EXPECT_TRUE(book_.remove(ModelId{0}));
    book_.load_done(good(ModelId{0}), kSlot, events_);

    EXPECT_TRUE(events_.empty());
    EXPECT_FALSE(book_.remove(ModelId{0}));
}

}  // namespace
}  // namespace bunch::test
