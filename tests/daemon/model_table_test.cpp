#include "daemon/model_table.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

ModelTable two_versions() {
    ModelTable table;
    ModelSpec spec;
    spec.name = "net";
    spec.version = "1";
    table.add(ModelId{0}, spec);
    spec.version = "2";
    table.add(ModelId{1}, spec);
    return table;
}

TEST(ModelTable, TakesTheLastConfiguredVersionWhereNoneIsAskedFor) {
    ModelTable table = two_versions();

    EXPECT_EQ(table.find("net", "").value()->id, ModelId{1});
    EXPECT_EQ(table.find("net", "1").value()->id, ModelId{0});
    EXPECT_EQ(table.find(ModelId{1})->spec.version, "2");
    EXPECT_EQ(table.find(ModelId{2}), nullptr);
}

TEST(ModelTable, SaysWhatIsNotServedInWordsThatClientsLookFor) {
    ModelTable table = two_versions();

    const Status name = table.find("other", "").status();
    const Status version = table.find("net", "7").status();

    EXPECT_EQ(name.code(), StatusCode::not_found);
    EXPECT_EQ(name.message(), "Request for unknown model: 'other' is not served here");
    EXPECT_EQ(version.message(),
              "Request for unknown model: 'net' has no version '7' (there is 1, 2)");
}

}  // namespace
}  // namespace bunch
