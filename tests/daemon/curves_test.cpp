// What was learnt of run times survives the daemon: as text, and as a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>

#include "daemon/curve_store.h"

namespace bunch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LearntCurve curve_of(std::uint32_t model, const std::string& device_class, double fixed = 0.1) {
    LearntCurve curve;
    curve.model = ModelId{model};
    curve.device_class = device_class;
    curve.fixed = fixed;
    curve.per_row = 1.0 / 3;
    curve.upper_factor = 1.25;
    curve.smallest_rows = 1;
    curve.largest_rows = 128;
    curve.corrections = {1, 0.9};
    return curve;
}

KeptCurve kept_of(const std::string& model, const std::string& device_class) {
    KeptCurve kept{model, "1", 0x1234, curve_of(0, device_class)};
    return kept;
}

std::string problem_of(const std::string& text) {
    return parse_curves(text, "c.toml").status().message();
}

TEST(CurveText, ComesBackToTheLastBit) {
    constexpr unsigned kSeed = 7;
    std::mt19937_64 random(kSeed);
    std::uniform_real_distribution<double> exponent(-12, 8);
    const auto number = [&] { return std::pow(10.0, exponent(random)); };
    std::vector<KeptCurve> curves;
    for (int i = 0; i < 200; ++i) {
        KeptCurve& kept = curves.emplace_back(kept_of("m" + std::to_string(i), "gpu [x] #1"));
        kept.fingerprint = random();
        LearntCurve& curve = kept.curve;
        curve.fixed = number();
        curve.per_row = -number();
        curve.per_row_contended = number();
        curve.deviation = std::numeric_limits<double>::denorm_min();
        curve.gather_per_row = number();
        curve.transfer_per_row = 3;
        curve.corrections.assign(static_cast<std::size_t>(i % 33), number());
    }

    const auto back = parse_curves(text_of_curves(curves), "c.toml");

    ASSERT_TRUE(back.ok()) << back.status().to_string() << " (seed " << kSeed << ")";
    EXPECT_EQ(*back, curves) << "seed " << kSeed;
}

TEST(CurveText, LeavesOutWhatItWouldNotRead) {
    std::vector<KeptCurve> curves(6, kept_of("m", "gpu"));
    curves[0].curve.fixed = std::numeric_limits<double>::quiet_NaN();
    curves[1].curve.per_row = std::numeric_limits<double>::infinity();
    curves[2].curve.device_class = "quote\"";
    curves[3].curve.device_class = "";
    curves[4].curve.corrections.assign(33, 1.0);

    const auto back = parse_curves(text_of_curves(curves), "c.toml");

    ASSERT_TRUE(back.ok()) << back.status().to_string();
    EXPECT_THAT(*back, ElementsAre(curves[5]));
}

TEST(CurveText, SaysWhatIsWrongWithALine) {
    const std::string good = text_of_curves({kept_of("m", "gpu")});
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };

    EXPECT_EQ(problem_of(good), "");
    EXPECT_THAT(problem_of("nonsense"), HasSubstr("c.toml:1:"));
    EXPECT_EQ(problem_of(""), "c.toml: there is no format = 1");
    EXPECT_THAT(problem_of(with("format = 1", "format = 2")), HasSubstr("c.toml:2: format = 2"));
    EXPECT_THAT(problem_of(with("fixed = ", "fxied = ")), HasSubstr("did you mean fixed?"));
    EXPECT_THAT(problem_of(with("per_row_contended = 0\n", "")), HasSubstr("has 13 keys, not 14"));
    EXPECT_THAT(problem_of(with("deviation = 0", "deviation = nan")), HasSubstr("out of range"));
    EXPECT_THAT(problem_of(with("0000000000001234", "12")), HasSubstr("is no fingerprint"));
    EXPECT_THAT(problem_of(with("largest_rows = 128", "largest_rows = -1")),
                HasSubstr("out of range"));
    EXPECT_THAT(problem_of(with("[1, ", "[\"1\", ")), HasSubstr("wrong type"));
    EXPECT_THAT(problem_of(with("\"gpu\"", "\"\"")), HasSubstr("is not one that bunchd writes"));
}

TEST(CurveText, IsRefusedWithMoreCurvesThanAnyDaemonWrites) {
    std::vector<KeptCurve> curves(kMostKeptCurves + 1, kept_of("m", "gpu"));
    std::string text = text_of_curves(curves);
    EXPECT_EQ(parse_curves(text, "c.toml")->size(), kMostKeptCurves);

    const std::size_t last = text.rfind("\n[[curve]]");
    text += text.substr(last);

    EXPECT_THAT(problem_of(text), HasSubstr("there are more curves than bunchd writes"));
}

class CurveStoreTest : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        return (folder_ / name).string();
    }
    std::string read(const std::string& name) {
        std::ifstream file(folder_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    CurveStore open() { return {folder_.string(), models_}; }

    ModelSpec& add_model(const std::string& name, const std::string& content) {
        ModelSpec model;
        model.name = name;
        model.path = write(name, content);
        models_.push_back(model);
        return models_.back();
    }

    const std::filesystem::path folder_ =
        testing::TempDir() + "curves_test_" + std::to_string(getpid());
    std::vector<ModelSpec> models_;
};

TEST_F(CurveStoreTest, GivesBackWhatItKept) {
    add_model("a", "content");
    add_model("b", "other");
    const std::vector<LearntCurve> learnt = {curve_of(0, "cpu"), curve_of(1, "cpu"),
                                             curve_of(1, "gpu")};

    ASSERT_TRUE(open().save(learnt).ok());

    EXPECT_EQ(open().curves(), learnt);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "curves.toml.new"));
}

TEST_F(CurveStoreTest, KnowsModelsByNameAndContentNotByTheirPlace) {
    add_model("a", "content");
    add_model("b", "other");
    ASSERT_TRUE(open().save({curve_of(0, "cpu"), curve_of(1, "cpu", 7)}).ok());
    std::swap(models_[0], models_[1]);
    write("a", "content changed");

    const std::vector<LearntCurve> curves = open().curves();

    EXPECT_THAT(curves, ElementsAre(curve_of(0, "cpu", 7)));
}

TEST_F(CurveStoreTest, TellsPrecisionsVersionsAndDeclaredTensorsApart) {
    ModelSpec model = add_model("a", "content");
    const std::uint64_t before = fingerprint_of(model);
    model.precision = Precision::bf16;
    EXPECT_NE(fingerprint_of(model), before);

    ModelSpec declared;
    declared.signature.inputs = {{"x", DataType::f32, {kAnyExtent, 4}}};
    const std::uint64_t four = fingerprint_of(declared);
    declared.signature.inputs[0].shape = {kAnyExtent, 5};
    EXPECT_NE(fingerprint_of(declared), four);

    ASSERT_TRUE(open().save({curve_of(0, "cpu")}).ok());
    models_[0].version = "2";
    EXPECT_THAT(open().curves(), IsEmpty());
}

TEST_F(CurveStoreTest, TellsFilesApartThatDifferInTheirLastByte) {
    ModelSpec& model = add_model("a", std::string((3 << 20) + 5, 'x'));
    const std::uint64_t before = fingerprint_of(model);
    write("a", std::string((3 << 20) + 4, 'x') + 'y');

    EXPECT_NE(fingerprint_of(model), before);
    model.path += ".gone";
    EXPECT_EQ(fingerprint_of(model), 0u);
}

TEST_F(CurveStoreTest, KeepsWhatBelongsToModelsThatAreNotHereNow) {
    add_model("a", "content");
    add_model("b", "other");
    ASSERT_TRUE(open().save({curve_of(0, "cpu"), curve_of(1, "cpu", 7)}).ok());
    const ModelSpec b = models_.back();
    models_.pop_back();
    ASSERT_TRUE(open().save({curve_of(0, "cpu", 5)}).ok());
    models_.push_back(b);

    EXPECT_THAT(open().curves(), ElementsAre(curve_of(0, "cpu", 5), curve_of(1, "cpu", 7)));
}

TEST_F(CurveStoreTest, StartsWithoutAFileThatIsNotOneOfOursAndReplacesIt) {
    add_model("a", "content");
    for (const std::string& text : {std::string("[[curve]]\nmodel = 3"), std::string(9 << 20, '#'),
                                    std::string("\0\xff", 2), std::string("format = 99\n")}) {
        write("curves.toml", text);
        CurveStore store = open();

        EXPECT_THAT(store.curves(), IsEmpty());
        EXPECT_EQ(read("curves.toml"), text) << "untouched until there is something better";
        ASSERT_TRUE(store.save({curve_of(0, "cpu")}).ok());
        EXPECT_THAT(open().curves(), ElementsAre(curve_of(0, "cpu")));
    }
}

TEST_F(CurveStoreTest, IgnoresCurvesOfModelsThatItDoesNotKnow) {
    add_model("a", "content");

    ASSERT_TRUE(open().save({curve_of(7, "cpu"), curve_of(0, "cpu")}).ok());

    EXPECT_THAT(open().curves(), ElementsAre(curve_of(0, "cpu")));
}

TEST_F(CurveStoreTest, LeavesTheOldFileWhereTheNewOneCannotBeWritten) {
    add_model("a", "content");
    CurveStore store = open();
    ASSERT_TRUE(store.save({curve_of(0, "cpu")}).ok());
    std::filesystem::create_directory(folder_ / "curves.toml.new");

    const Status status = store.save({curve_of(0, "cpu", 9)});

    EXPECT_EQ(status.code(), StatusCode::unavailable);
    EXPECT_THAT(status.message(), HasSubstr("cannot write '"));
    EXPECT_THAT(open().curves(), ElementsAre(curve_of(0, "cpu")));
}

}  // namespace
}  // namespace bunch
