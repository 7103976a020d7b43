#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/xclbin.h"
#include "cli/run.h"
#include "cli/xclbin_description.h"
#include "tests/cli/fake_daemon.h"

namespace bunch {
namespace {

using testing::HasSubstr;

constexpr const char* kDescription = R"(platform = "vendor:board:name:1.0"
[[memory]]
tag = "bank0"
type = "HBM"
base = 0x4000000000
size = "256MiB"
[[kernel]]
name = "facile"
units = ["facile_1", "facile_2"]
arguments = [{name = "rows", bytes = 4}, {name = "in", memory = "bank0"}, {name = "out", memory = "bank0"}]
model = "copy"
parameters = "sizes"
)";

class XclbinCommand : public testing::Test {
  protected:
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_.file(name), std::ios::binary) << text;
    }

    /// Exit code; what was printed is in out_ and error_.
    int run_with(std::vector<std::string> arguments) {
        std::vector<const char*> argv = {"bunch", "xclbin"};
        for (const std::string& argument : arguments) argv.push_back(argument.c_str());
        std::ostringstream out, error;
        const int code = run(static_cast<int>(argv.size()), argv.data(), {out, error});
        out_ = out.str();
        error_ = error.str();
        return code;
    }

    std::string in_folder(const std::string& name) const { return folder_.file(name); }

    TemporaryFolder folder_;
    std::string out_;
    std::string error_;
};

TEST_F(XclbinCommand, MakesAFileThatItCanInspect) {
    write("d.toml", kDescription);
    write("sizes", "64 64");

    ASSERT_EQ(run_with({"make", in_folder("d.toml"), in_folder("a.xclbin")}), 0) << error_;
    EXPECT_THAT(out_, HasSubstr("bytes, uuid "));
    ASSERT_EQ(run_with({"inspect", in_folder("a.xclbin")}), 0) << error_;
    for (const char* text : {"vendor:board:name:1.0", "EMBEDDED_METADATA", "bank0", "0x4000000000",
                             "rows, in*, out*", "facile:facile_2", "1 -> bank0, 2 -> bank0"})
        EXPECT_THAT(out_, HasSubstr(text));
    ASSERT_EQ(run_with({"inspect", in_folder("a.xclbin"), "--json"}), 0);
    const auto json = nlohmann::json::parse(out_);
    EXPECT_EQ(json["kernels"][0]["arguments"][2]["offset"], 0x24);
    EXPECT_EQ(json["units"][1]["name"], "facile:facile_2");
    EXPECT_EQ(json["memories"][0]["bytes"], 256 << 20);
}

TEST_F(XclbinCommand, HoldsTheModelsForAnEmulatedCard) {
    write("d.toml", kDescription);
    write("sizes", "64 64");

    const auto file = make_xclbin(in_folder("d.toml"));
    ASSERT_TRUE(file.ok()) << file.status().to_string();
    const auto design = fpga::parse_xclbin(*file);
    ASSERT_TRUE(design.ok()) << design.status().to_string();
    const fpga::Section& bitstream = design->sections.front();
    const auto images =
        emulation::read_bitstream(std::span(*file).subspan(bitstream.offset, bitstream.bytes));

    ASSERT_TRUE(images.ok()) << images.status().to_string();
    EXPECT_EQ(images->front().kernel, "facile");
    EXPECT_EQ(images->front().model, "copy");
    EXPECT_EQ(images->front().parameters.size(), 5u);
}

TEST_F(XclbinCommand, MakesTheUuidOfTheContents) {
    write("d.toml", kDescription);
    write("sizes", "64 64");
    const auto uuid = [&] { return fpga::parse_xclbin(*make_xclbin(in_folder("d.toml")))->uuid; };

    const fpga::Uuid first = uuid();
    EXPECT_EQ(uuid(), first);
    write("sizes", "32 32");
    EXPECT_NE(uuid(), first);
    write("d.toml", "uuid = \"00112233445566778899aabbccddeeff\"\n" + std::string(kDescription));
    EXPECT_EQ(fpga::to_text(uuid()), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST_F(XclbinCommand, TakesABitstreamAsItIs) {
    std::string text = kDescription;
    text.resize(text.find("model = "));
    write("d.toml", "bitstream = \"design.bit\"\n" + text);
    write("design.bit", "anything");

    const auto file = make_xclbin(in_folder("d.toml"));

    ASSERT_TRUE(file.ok()) << file.status().to_string();
    EXPECT_EQ(fpga::parse_xclbin(*file)->sections.front().bytes, 8u);
}

TEST_F(XclbinCommand, SaysWhatIsWrongWithADescription) {
    const auto problem = [](const std::string& what, const std::string& with) {
        std::string text = kDescription;
        text.replace(text.find(what), what.size(), with);
        return parse_xclbin_description(text, "d.toml", "/").status().message();
    };

    EXPECT_THAT(problem("\"HBM\"", "\"DDR\""), HasSubstr("d.toml:4: type = \"DDR\" is no type of"));
    EXPECT_THAT(problem("\"256MiB\"", "256"), HasSubstr("d.toml:6: size = 256 has no unit"));
    EXPECT_THAT(problem("0x4000000000", "-1"), HasSubstr("is no address"));
    EXPECT_THAT(problem("memory = \"bank0\"}]", "memory = \"bank1\"}]"),
                HasSubstr("argument \"out\" is in the memory \"bank1\", which no [[memory]] has"));
    EXPECT_THAT(problem("model = \"copy\"\n", ""), HasSubstr("there has to be a bitstream"));
    EXPECT_THAT(problem("units = [\"facile_1\", \"facile_2\"]\n", ""),
                HasSubstr("needs name, units and arguments"));
    EXPECT_THAT(problem("platform", "plattform"), HasSubstr("did you mean platform?"));
    EXPECT_THAT(problem("platform", "uuid"), HasSubstr("uuid is no UUID"));
    EXPECT_THAT(parse_xclbin_description("", "d.toml", "/").status().message(),
                HasSubstr("there is no [[kernel]]"));
}

TEST_F(XclbinCommand, NamesTheFileThatIsMissingOrDamaged) {
    write("d.toml", kDescription);
    EXPECT_EQ(run_with({"make", in_folder("d.toml"), in_folder("a.xclbin")}), 1);
    EXPECT_THAT(error_, HasSubstr("sizes cannot be read"));
    write("sizes", "64 64");
    EXPECT_EQ(run_with({"make", in_folder("d.toml"), "/nonexistent/a.xclbin"}), 1);
    EXPECT_THAT(error_, HasSubstr("/nonexistent/a.xclbin cannot be written"));
    write("bad.xclbin", "xclbin2");
    EXPECT_EQ(run_with({"inspect", in_folder("bad.xclbin")}), 1);
    EXPECT_THAT(error_, HasSubstr("bad.xclbin: this is no xclbin"));
    EXPECT_EQ(run_with({"inspect", in_folder("absent.xclbin")}), 1);
    EXPECT_THAT(error_, HasSubstr("absent.xclbin cannot be read"));
}

}  // namespace
}  // namespace bunch
