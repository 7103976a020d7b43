#include "client/open_requests.h"

#include <gtest/gtest.h>

#include <string>

namespace bunch {
namespace {

TEST(OpenRequests, FindsAnEntryByItsIdUntilItIsClosed) {
    OpenRequests table;
    const RequestId id = table.add()->id;

    ASSERT_NE(table.find(std::to_string(id.value)), nullptr);
    table.close(*table.find(id));

    EXPECT_EQ(table.find(id), nullptr);
    EXPECT_EQ(table.size(), 0u);
}

TEST(OpenRequests, NeverUsesAnIdTwice) {
    OpenRequests table;
    const RequestId first = table.add()->id;
    table.close(*table.find(first));
    const RequestId second = table.add()->id;

    EXPECT_NE(first, second);
    EXPECT_EQ(table.find(first), nullptr);
}

TEST(OpenRequests, HasNoRoomBeyondItsLimit) {
    OpenRequests table;
    for (std::size_t i = 0; i < OpenRequests::kMost; ++i) ASSERT_NE(table.add(), nullptr);
    EXPECT_EQ(table.add(), nullptr);
}

TEST(OpenRequests, GivesLargeInputsBackUnlessSomebodyStillHoldsThem) {
    OpenRequests table;
    for (const bool held : {false, true}) {
        OpenRequest& entry = *table.add();
        entry.request.inputs.push_back({"x", DataType::u8, Shape{100}, Buffer::allocate(100)});
        share_large_inputs(entry, 100);
        ASSERT_EQ(entry.request.inputs[0].buffer.size(), 0u);
        SharedBytes* shared = entry.shared[0];
        if (held) shared->hold();

        const Request back = table.close(entry);

        EXPECT_EQ(back.inputs[0].buffer.size(), held ? 0u : 100u);
        if (held) shared->let_go();
    }
}

}  // namespace
}  // namespace bunch
