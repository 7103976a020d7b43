#include "daemon/tenant_table.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

TEST(TenantTable, CountsUnknownNamesAndNoneAsTheDefaultTenant) {
    Metrics metrics;
    const TenantTable tenants({{"a", 2, 0, 0}, {"b", 1, 100, 50}}, metrics);

    EXPECT_EQ(tenants.find(""), TenantId{0});
    EXPECT_EQ(tenants.find("nobody"), TenantId{0});
    EXPECT_EQ(tenants.find("default"), TenantId{0});
    EXPECT_EQ(tenants.find("a"), TenantId{1});
    EXPECT_EQ(tenants.find("b"), TenantId{2});
}

TEST(TenantTable, TellsTheSchedulerOfEachTenantAndTheDefaultOne) {
    Metrics metrics;
    const TenantTable tenants({{"a", 2, 0, 0}, {"b", 1, 100, 50}}, metrics);

    ASSERT_EQ(tenants.policies().size(), 3u);
    EXPECT_EQ(tenants.policies()[0].name, "default");
    EXPECT_EQ(tenants.policies()[0].weight, 1);
    EXPECT_EQ(tenants.policies()[1].weight, 2);
    EXPECT_EQ(tenants.policies()[2].tenant, TenantId{2});
    EXPECT_EQ(tenants.policies()[2].rows_per_second, 100);
    EXPECT_EQ(tenants.policies()[2].burst_rows, 50);
}

TEST(TenantTable, LetsTheConfigurationSetTheDefaultTenant) {
    Metrics metrics;
    const TenantTable tenants({{"a", 2, 0, 0}, {"default", 0.5, 10, 10}}, metrics);

    ASSERT_EQ(tenants.policies().size(), 2u);
    EXPECT_EQ(tenants.policies()[0].weight, 0.5);
    EXPECT_EQ(tenants.policies()[0].rows_per_second, 10);
    EXPECT_EQ(tenants.find("a"), TenantId{1});
}

}  // namespace
}  // namespace bunch
