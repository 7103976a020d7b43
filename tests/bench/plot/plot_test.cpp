#include "bench/plot/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "bench/plot/axis.h"

namespace bunch::plot {
namespace {

using testing::HasSubstr;

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

TEST(Plot, DrawsEveryPointOfEveryCurveWithItsLabelAndLegend) {
    const PlotPanel panel = {"A device",
                             "rows per second",
                             "latency, ms",
                             {{"with", "blue", false, {{100, 5, "1"}, {2000, 20, "32"}}},
                              {"without", "red", true, {{190, 160, ""}}}}};

    const std::string svg = to_svg("Title", {panel});

    EXPECT_EQ(count(svg, "<circle"), 3U);
    EXPECT_EQ(count(svg, "<polyline"), 2U);
    for (const char* text : {">A device<", ">rows per second<", ">latency, ms<", ">with<",
                             ">without<", ">32<", ">Title<"})
        EXPECT_THAT(svg, HasSubstr(text));
}

TEST(Plot, PutsDotsOfCategoriesSideBySideWithoutJoiningThem) {
    const PlotPanel panel = {
        "Pools",
        "",
        "part of the bound",
        {{"a", "blue", false, {{0, .5, ""}, {1, .25, ""}}}, {"b", "red", false, {{0, .5, ""}}}},
        Scale::categories,
        Scale::linear,
        {"first", "second"}};

    const std::string svg = to_svg("Title", {panel});

    EXPECT_EQ(count(svg, "<circle"), 5U);  // two in the legend
    EXPECT_EQ(count(svg, "<polyline"), 0U);
    for (const char* text : {">first<", ">second<", ">0<", ">0.5<"})
        EXPECT_THAT(svg, HasSubstr(text));
}

TEST(Plot, AFittedAxisHoldsPointsBelowZeroBetweenTicks) {
    PlotPanel panel;
    panel.series = {{"a", "blue", false, {{0, -1.7, ""}, {0, 3.1, ""}}}};

    const Axis axis = axis_over(panel, Scale::fitted, &PlotPoint::y);

    EXPECT_DOUBLE_EQ(axis.low, -2);
    EXPECT_DOUBLE_EQ(axis.high, 4);
    ASSERT_EQ(axis.ticks({}).size(), 7U);
    EXPECT_EQ(axis.ticks({})[2].text, "0");
}

TEST(Plot, ASeriesWithoutRadiusHasNoDots) {
    const PlotPanel panel = {"", "", "", {{"a", "blue", false, {{1, 1, ""}, {2, 2, ""}}, 0}}};

    EXPECT_EQ(count(to_svg("Title", {panel}), "<circle"), 0U);
}

TEST(Plot, TheEndsOfALinearAxisAreZeroAndATickAboveAllPoints) {
    PlotPanel panel;
    panel.series = {{"a", "blue", false, {{0, 0.93, ""}}}};
    panel.y_scale = Scale::linear;
    const Axis axis = axis_over(panel, Scale::linear, &PlotPoint::y);

    EXPECT_EQ(axis.low, 0);
    EXPECT_DOUBLE_EQ(axis.high, 1);
    ASSERT_EQ(axis.ticks({}).size(), 6U);
    EXPECT_EQ(axis.ticks({}).back().text, "1");
}

TEST(Plot, EscapesTextThatXmlWouldMisread) {
    EXPECT_THAT(to_svg("a < b & c", {}), HasSubstr("a &lt; b &amp; c"));
}

TEST(Plot, SurvivesAPanelWithoutPoints) {
    const std::string svg = to_svg("empty", {{"none", "x", "y", {{"curve", "blue", false, {}}}}});

    EXPECT_EQ(count(svg, "<circle"), 0U);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace bunch::plot
