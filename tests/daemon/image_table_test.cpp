#include "daemon/image_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

LoadedModel loaded(const std::string& image, bool resident = false) {
    LoadedModel model;
    model.max_batch_rows = 8;
    model.image = image;
    model.resident = resident;
    model.load_time = 2s;
    return model;
}

/// Models 0 and 1 in the image "a", which is held; 2 in "b"; 3 in none.
class ImageTableTest : public testing::Test {
  protected:
    ImageTableTest() {
        infos_.push_back(describe(0, loaded("a", true)));
        infos_.push_back(describe(1, loaded("a", true)));
        infos_.push_back(describe(2, loaded("b")));
        infos_.push_back(describe(3, loaded("")));
    }

    InstanceInfo describe(std::uint32_t model, const LoadedModel& as) {
        InstanceInfo info{InstanceId{10 + model}, ModelId{model}, DeviceId{0}, as.max_batch_rows};
        table_.describe(ModelId{model}, as, info);
        return info;
    }

    static std::vector<InstanceState> states(const std::vector<InstanceInfo>& infos) {
        std::vector<InstanceState> states;
        for (const InstanceInfo& info : infos) states.push_back(info.state);
        return states;
    }

    ImageTable table_;
    std::vector<InstanceInfo> infos_;
};

TEST_F(ImageTableTest, TellsImagesApartAndWhichOneIsThere) {
    EXPECT_EQ(infos_[0].image, infos_[1].image);
    EXPECT_NE(infos_[0].image, infos_[2].image);
    EXPECT_EQ(infos_[3].image, 0u);
    EXPECT_THAT(states(infos_), ElementsAre(InstanceState::ready, InstanceState::ready,
                                            InstanceState::loadable, InstanceState::ready));
    EXPECT_EQ(infos_[2].load_time, 2s);
    EXPECT_EQ(infos_[3].load_time, 0s);
}

TEST_F(ImageTableTest, DisplacesTheModelsOfTheOtherImages) {
    const auto after = table_.hold(ModelId{2});

    EXPECT_THAT(states(after), ElementsAre(InstanceState::loadable, InstanceState::loadable,
                                           InstanceState::ready));
    EXPECT_EQ(after[2].instance, InstanceId{12});
    EXPECT_EQ(after[2].max_batch_rows, 8u);
    EXPECT_THAT(states(table_.hold(ModelId{1})),
                ElementsAre(InstanceState::ready, InstanceState::ready, InstanceState::loadable));
}

TEST_F(ImageTableTest, ForgetsAnImageThatCouldNotBeLoadedAndLetsTheOthersBeLoadedAgain) {
    EXPECT_THAT(table_.models_with(ModelId{0}), ElementsAre(ModelId{0}, ModelId{1}));

    const auto after = table_.lose(ModelId{2});

    EXPECT_THAT(states(after), ElementsAre(InstanceState::loadable, InstanceState::loadable));
    EXPECT_EQ(after[0].model, ModelId{0});
}

TEST_F(ImageTableTest, BeginsAnewWithTheNextRunner) {
    table_.clear();
    const InstanceInfo b = describe(2, loaded("b", true));
    const InstanceInfo a = describe(0, loaded("a"));

    EXPECT_EQ(b.state, InstanceState::ready);
    EXPECT_EQ(a.state, InstanceState::loadable);
    EXPECT_EQ(a.image, infos_[0].image) << "an image keeps its number";
}

}  // namespace
}  // namespace bunch
