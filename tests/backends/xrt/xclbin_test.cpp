#include "backends/xrt/xclbin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/backends/xrt/designs.h"

namespace bunch::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Bytes = std::vector<std::byte>;

const Bytes kBitstream(777, std::byte{0x5a});

Bytes sample_file() {
    auto file = fpga::write_xclbin(sample_design(), kBitstream);
    EXPECT_TRUE(file.ok()) << file.status().to_string();
    return *file;
}

template <typename T>
void put(Bytes& file, std::size_t offset, T value) {
    ASSERT_LE(offset + sizeof value, file.size());
    std::memcpy(file.data() + offset, &value, sizeof value);
}

/// Where the header of section number `index` lies, and where the section does.
std::size_t header_of(std::size_t index) {
    return 456 + 40 * index;
}
std::size_t offset_of(const Bytes& file, std::size_t index) {
    std::uint64_t offset = 0;
    std::memcpy(&offset, file.data() + header_of(index) + 24, sizeof offset);
    return static_cast<std::size_t>(offset);
}
constexpr std::size_t kMetadata = 1, kMemories = 2, kUnits = 3, kConnections = 4;

std::string refusal(const Bytes& file) {
    const auto parsed = fpga::parse_xclbin(file);
    EXPECT_FALSE(parsed.ok());
    return parsed.status().message();
}

/// The same file with another metadata text.
Bytes with_metadata(const std::string& xml) {
    Bytes file = sample_file();
    const auto bytes = std::as_bytes(std::span(xml));
    file.resize((file.size() + 7) / 8 * 8);
    put(file, header_of(kMetadata) + 24, std::uint64_t{file.size()});
    put(file, header_of(kMetadata) + 32, std::uint64_t{bytes.size()});
    file.insert(file.end(), bytes.begin(), bytes.end());
    put(file, 304, std::uint64_t{file.size()});
    return file;
}

std::string kernel_xml(const std::string& inner) {
    return "<project><platform><device><core><kernel name='dense'>" + inner +
           "</kernel><kernel name='other'/></core></device></platform></project>";
}

TEST(Xclbin, IsReadAsItWasWritten) {
    const fpga::Xclbin written = sample_design();

    const auto read = fpga::parse_xclbin(sample_file());

    ASSERT_TRUE(read.ok()) << read.status().to_string();
    EXPECT_EQ(read->uuid, written.uuid);
    EXPECT_EQ(read->platform, written.platform);
    EXPECT_EQ(read->timestamp, written.timestamp);
    EXPECT_EQ(read->memories, written.memories);
    EXPECT_EQ(read->units, written.units);
    EXPECT_EQ(read->connections, written.connections);
    EXPECT_EQ(read->kernels, written.kernels);
    EXPECT_EQ(read->sections.front().bytes, kBitstream.size());
    EXPECT_THAT(read->units_of("dense"), ElementsAre("dense_1", "dense_2"));
    EXPECT_THAT(read->units_of("den"), IsEmpty());
}

TEST(Xclbin, IsRefusedWhenItIsSomethingElse) {
    Bytes text(1000, std::byte{'x'});

    EXPECT_THAT(refusal(text), HasSubstr("does not begin with \"xclbin2\""));
    EXPECT_THAT(refusal({}), HasSubstr("0 bytes are fewer"));
}

TEST(Xclbin, IsRefusedWhereverItIsCutOff) {
    const Bytes file = sample_file();

    for (std::size_t size = 0; size < file.size(); ++size)
        EXPECT_FALSE(fpga::parse_xclbin(std::span(file).first(size)).ok()) << size;
}

TEST(Xclbin, IsRefusedWhenASectionLiesElsewhere) {
    const auto with = [](std::size_t field, std::uint64_t value) {
        Bytes file = sample_file();
        put(file, header_of(kUnits) + field, value);
        return refusal(file);
    };

    EXPECT_THAT(with(24, UINT64_MAX - 7), HasSubstr("IP_LAYOUT lies beyond the end"));
    EXPECT_THAT(with(32, UINT64_MAX), HasSubstr("IP_LAYOUT lies beyond the end"));
    EXPECT_THAT(with(24, 8), HasSubstr("IP_LAYOUT lies in the header"));
    EXPECT_THAT(with(24, 1021), HasSubstr("not aligned"));
    Bytes many = sample_file();
    put(many, 448, std::uint32_t{0xffffffff});
    EXPECT_THAT(refusal(many), HasSubstr("4294967295 sections"));
}

TEST(Xclbin, IsRefusedWhenATableClaimsMoreThanItHolds) {
    for (const std::size_t index : {kMemories, kUnits, kConnections}) {
        for (const std::int32_t count : {-1, 100, INT32_MAX, INT32_MIN}) {
            Bytes file = sample_file();
            put(file, offset_of(file, index), count);
            EXPECT_THAT(refusal(file), HasSubstr("claims " + std::to_string(count) + " entries"));
        }
    }
}

TEST(Xclbin, IsRefusedWhenATableIsThereTwice) {
    Bytes file = sample_file();

    put(file, header_of(0), std::uint32_t{8});

    EXPECT_THAT(refusal(file), HasSubstr("two tables IP_LAYOUT"));
}

TEST(Xclbin, IsRefusedWhenANameHasNoEndOrIsNoText) {
    Bytes unit = sample_file();
    std::fill_n(unit.begin() + static_cast<std::ptrdiff_t>(offset_of(unit, kUnits) + 8 + 16), 64,
                std::byte{'x'});
    Bytes tag = sample_file();
    put(tag, offset_of(tag, kMemories) + 8 + 24, '\x07');
    Bytes platform = sample_file();
    std::fill_n(platform.begin() + 352, 64, std::byte{'x'});

    EXPECT_THAT(refusal(unit), HasSubstr("name of unit 0 is no text"));
    EXPECT_THAT(refusal(tag), HasSubstr("tag of memory 0 is no text"));
    EXPECT_THAT(refusal(platform), HasSubstr("platform is no text"));
}

TEST(Xclbin, IsRefusedWhenAConnectionLeadsNowhere) {
    for (const std::size_t field : {0u, 4u, 8u}) {
        Bytes file = sample_file();
        put(file, offset_of(file, kConnections) + 4 + field, std::uint32_t{9999});
        EXPECT_THAT(refusal(file), HasSubstr("one of which is not"));
    }
}

TEST(Xclbin, IsRefusedWhenAConnectionIsOfAnArgumentThatItsKernelHasNot) {
    Bytes file = sample_file();
    put(file, offset_of(file, kConnections) + 4, std::uint32_t{3});  // "dense" has 0 to 2

    EXPECT_THAT(refusal(file), HasSubstr("argument 3 leads from unit 0"));
}

TEST(Xclbin, IsRefusedWhenAUnitIsOfNoKernel) {
    Bytes file = sample_file();
    put(file, offset_of(file, kUnits) + 8 + 16, 'X');

    EXPECT_THAT(refusal(file), HasSubstr("'Xense:dense_1' is of a kernel that the metadata"));
}

TEST(Xclbin, IsRefusedWhenItsMetadataIsDamaged) {
    const auto with = [](const std::string& xml) { return refusal(with_metadata(xml)); };
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "<a>";

    EXPECT_THAT(with(""), HasSubstr("EMBEDDED_METADATA"));
    EXPECT_THAT(with("<project>"), HasSubstr("EMBEDDED_METADATA"));
    EXPECT_THAT(with("<project/>"), HasSubstr("EMBEDDED_METADATA"));
    EXPECT_THAT(with(deep), HasSubstr("nested deeper than 64"));
    EXPECT_THAT(with(kernel_xml("<arg name='a' id='x'/>")), HasSubstr("EMBEDDED_METADATA"));
    EXPECT_THAT(with(kernel_xml("<arg name='a' id='1' addressQualifier='0' offset='0x10' "
                                "size='4'/>")),
                HasSubstr("has no argument number 0"));
    EXPECT_THAT(with(kernel_xml("<arg name='a' id='0' addressQualifier='0' offset='0xffffffff' "
                                "size='4'/>")),
                HasSubstr("too large"));
    EXPECT_THAT(with(kernel_xml("<arg name='a' id='0' addressQualifier='0' offset='0xfbe' "
                                "size='8'/>")),
                HasSubstr("does not lie in the registers"));
    EXPECT_THAT(with(kernel_xml("<arg name='a' id='0' addressQualifier='1' offset='0x10' "
                                "size='4'/>")),
                HasSubstr("pointer of 4 bytes"));
}

TEST(Xclbin, MetadataMayHoldMoreThanKernels) {
    std::string arguments;
    for (int i = 0; i < 3; ++i)
        arguments += "<arg name='a" + std::to_string(i) + "' id='" + std::to_string(i) +
                     "' addressQualifier='0' offset='0x10' size='4'/>";
    const std::string hidden =
        "<arg name='all' id='' addressQualifier='0' offset='0x10' size='4'/>";

    const auto parsed = fpga::parse_xclbin(with_metadata(
        "<?xml version='1.0'?><!-- <a> <a> --><project note='<a><a>'><platform><device><core>"
        "<kernel name='dense'>" +
        hidden + arguments + "</kernel><kernel name='other'>" + arguments +
        "</kernel></core></device></platform></project>"));

    ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
    EXPECT_THAT(parsed->kernels.front().arguments, SizeIs(3));
}

TEST(Xclbin, TenThousandDamagedFilesAreReadOrRefusedWithASentence) {
    const std::uint32_t seed = 6;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Bytes file = sample_file();
    int refused = 0;

    for (int i = 0; i < 10000; ++i) {
        // A copy of exactly its size, so that AddressSanitizer sees a step beyond it.
        const Bytes bad = damaged(file, random);
        const Status status = fpga::parse_xclbin(Bytes(bad.begin(), bad.end())).status();
        if (status.ok()) continue;
        ++refused;
        EXPECT_THAT(status.message(), HasSubstr("xclbin")) << "file " << i;
        for (const char c : status.message()) ASSERT_TRUE(c >= ' ' && c <= '~') << "file " << i;
    }

    EXPECT_GT(refused, 2000);
    EXPECT_LT(refused, 9900);
}

TEST(Xclbin, IsNotWrittenWhenItCouldNotBeRead) {
    const auto message = [](auto change) {
        fpga::Xclbin design = sample_design();
        change(design);
        return fpga::write_xclbin(design, {}).status().message();
    };

    EXPECT_THAT(message([](auto& design) { design.uuid = {}; }), HasSubstr("UUID"));
    EXPECT_THAT(message([](auto& design) { design.platform = std::string(64, 'x'); }),
                HasSubstr("above 63"));
    EXPECT_THAT(message([](auto& design) { design.memories[0].tag = ""; }), HasSubstr("tag"));
    EXPECT_THAT(message([](auto& design) { design.memories[0].bytes = 1; }),
                HasSubstr("impossible size"));
    EXPECT_THAT(message([](auto& design) { design.kernels[0].name = "a b"; }),
                HasSubstr("no identifier"));
    EXPECT_THAT(message([](auto& design) { design.kernels[1].name = "dense"; }),
                HasSubstr("described twice"));
    EXPECT_THAT(message([](auto& design) { design.kernels[0].arguments[0].offset = 4; }),
                HasSubstr("registers"));
    EXPECT_THAT(message([](auto& design) { design.units[0].name = "dense"; }),
                HasSubstr("not named kernel:unit"));
    EXPECT_THAT(message([](auto& design) { design.connections[0].memory = 2; }),
                HasSubstr("one of which is not"));
}

TEST(Uuid, IsReadAsItIsWritten) {
    const fpga::Uuid uuid = sample_design().uuid;

    EXPECT_EQ(fpga::to_text(uuid), "01020304-0506-0708-090a-0b0c0d0e0f10");
    EXPECT_EQ(*fpga::parse_uuid("01020304-0506-0708-090A-0B0C0D0E0F10"), uuid);
    EXPECT_THAT(fpga::parse_uuid("0102").status().message(), HasSubstr("32 hexadecimal"));
    EXPECT_FALSE(fpga::parse_uuid(std::string(32, 'g')).ok());
}

TEST(XclbinFile, ThatCannotBeReadIsNamed) {
    EXPECT_THAT(fpga::read_file_bytes("/nonexistent/a.xclbin").status().message(),
                HasSubstr("/nonexistent/a.xclbin cannot be read"));
    EXPECT_FALSE(fpga::read_file_bytes("/").ok());
}

}  // namespace
}  // namespace bunch::test
