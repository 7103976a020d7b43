#include "daemon/reasons.h"

#include <gtest/gtest.h>

#include <set>

namespace bunch {
namespace {

TEST(Reasons, OfClosingHaveTheSameNamesInMetricsAsInTheScheduler) {
    for (std::size_t i = 0; i < kCloseReasons; ++i) {
        const auto reason = static_cast<CloseReason>(i);
        EXPECT_EQ(name_of(closing_of(reason)), name_of(reason));
    }
    EXPECT_EQ(kClosings, kCloseReasons);
}

TEST(Reasons, OfRejectionAreAllToldApart) {
    std::set<Rejection> seen;
    for (std::size_t i = 0; i < kRejectReasons; ++i) {
        const auto reason = static_cast<RejectReason>(i);
        const auto counted = rejection_of({CallId{1}, invalid_argument("why"), reason});
        if (reason == RejectReason::cancelled) {
            EXPECT_FALSE(counted) << "a call that its client gave up was not refused";
        } else {
            ASSERT_TRUE(counted) << name_of(reason);
            EXPECT_TRUE(seen.insert(*counted).second) << name_of(reason);
        }
    }
}

TEST(Reasons, TellAnUnknownModelFromARequestThatIsTooLarge) {
    EXPECT_EQ(rejection_of({CallId{1}, not_found("no model"), RejectReason::invalid}),
              Rejection::unknown_model);
    EXPECT_EQ(rejection_of({CallId{1}, invalid_argument("rows"), RejectReason::invalid}),
              Rejection::too_large);
}

}  // namespace
}  // namespace bunch
