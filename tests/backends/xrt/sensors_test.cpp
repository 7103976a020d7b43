#include "backends/xrt/sensors.h"

#include <gtest/gtest.h>

namespace bunch::test {
namespace {

// As XRT 2.13 writes it; the numbers are made up.
constexpr const char* kThermal = R"({"thermals": [
    {"location_id": "pcb_top_front", "description": "PCB Top Front", "temp_C": "31", "is_present": "true"},
    {"location_id": "fpga0", "description": "FPGA", "temp_C": "47", "is_present": "true"},
    {"location_id": "fpga_hbm", "description": "FPGA HBM", "temp_C": "49", "is_present": "true"},
    {"location_id": "fpga1", "description": "FPGA", "temp_C": "99", "is_present": "false"}]})";

TEST(Sensors, TellTheHighestTemperatureOfTheChip) {
    EXPECT_EQ(fpga::celsius_in(kThermal), 49.0);
}

TEST(Sensors, TellThePowerOfTheCard) {
    EXPECT_EQ(fpga::watts_in(R"({"power_rails": [], "power_consumption_watts": "23.591"})"),
              23.591);
}

TEST(Sensors, AreLeftOutWhereXrtHasNone) {
    for (const char* text :
         {"", "nonsense", "[]", "3", "{}", R"({"thermals": 3})", R"({"thermals": [3, {}]})",
          R"({"thermals": [{"location_id": "fpga0", "temp_C": "0", "is_present": "false"}]})",
          R"({"thermals": [{"location_id": 1, "temp_C": "0", "is_present": "true"}]})",
          R"({"thermals": [{"location_id": "fpga0", "temp_C": "hot", "is_present": "true"}]})",
          R"({"thermals": [{"location_id": "fpga0", "temp_C": 5, "is_present": "true"}]})"})
        EXPECT_FALSE(fpga::celsius_in(text)) << text;
    for (const char* text :
         {"", "[]", "{}", R"({"power_consumption_watts": "N/A"})",
          R"({"power_consumption_watts": "nan"})", R"({"power_consumption_watts": 20})"})
        EXPECT_FALSE(fpga::watts_in(text)) << text;
}

}  // namespace
}  // namespace bunch::test
