#include "npy/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/client/fake_server.h"

namespace bunch {
namespace {

using testing::HasSubstr;

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span<const char>(text));
}

/// A version 1 file as numpy writes it.
std::string file_with(const std::string& dict, const std::string& elements) {
    std::string file = "\x93NUMPY";
    file += '\x01';
    file += '\x00';
    file += static_cast<char>(dict.size() & 0xff);
    file += static_cast<char>(dict.size() >> 8);
    return file + dict + elements;
}

std::string dict_of(const std::string& type, const std::string& shape) {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

std::string verdict(const std::string& file) {
    return parse_npy(bytes_of(file)).status().message();
}

TEST(Npy, ReadsWhatNumpyWrites) {
    // numpy.save of numpy.arange(6, dtype='<i2').reshape(2, 3)
    std::string file("\x93NUMPY\x01\x00v\x00", 10);
    file += "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
    file.append(128 - file.size() - 1, ' ');
    file += '\n';
    for (char i = 0; i < 6; ++i) file += std::string{i, '\0'};

    const auto tensor = parse_npy(bytes_of(file));

    ASSERT_TRUE(tensor.ok()) << tensor.status().to_string();
    EXPECT_EQ(tensor->type, DataType::i16);
    EXPECT_EQ(tensor->shape, Shape({2, 3}));
    EXPECT_EQ(static_cast<int>(std::as_const(tensor->buffer).bytes()[10]), 5);
}

TEST(Npy, WritesWhatItReads) {
    TemporaryFolder folder;
    const std::string path = folder.file("a.npy");
    for (int number = 0; is_data_type(static_cast<std::uint8_t>(number)); ++number) {
        const auto type = static_cast<DataType>(number);
        for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 1, 4}, Shape{0, 2}}) {
            Tensor tensor{type, shape, Buffer::allocate(*byte_size(type, shape))};
            std::fill(tensor.buffer.bytes().begin(), tensor.buffer.bytes().end(), std::byte{1});

            ASSERT_TRUE(write_npy(path, tensor.view()).ok());
            const auto read = read_npy(path);

            ASSERT_TRUE(read.ok()) << read.status().to_string();
            EXPECT_EQ(read->type, type == DataType::bf16 ? DataType::u16 : type);
            EXPECT_EQ(read->shape, shape);
            EXPECT_TRUE(std::ranges::equal(std::as_const(read->buffer).bytes(),
                                           std::as_const(tensor.buffer).bytes()));
        }
    }
}

TEST(Npy, AlignsTheElements) {
    const Tensor tensor{DataType::f64, Shape{1}, Buffer::allocate(8)};
    EXPECT_EQ((npy_bytes(tensor.view()).size() - 8) % 64, 0u);
}

TEST(Npy, SaysWhatAFileIsInstead) {
    EXPECT_EQ(verdict("PK\x03\x04 a zip file"), "it is no .npy file");
    EXPECT_EQ(verdict(""), "it is no .npy file");
    EXPECT_THAT(verdict(file_with(dict_of(">f4", "(1,)"), "1234")), HasSubstr("are '>f4': use"));
    EXPECT_THAT(verdict(file_with(dict_of("|O", "(1,)"), "1234")), HasSubstr("'|O'"));
    EXPECT_THAT(verdict(file_with(dict_of("<f4", "(1,1,1,1,1,1,1,1,1)"), "1234")),
                HasSubstr("it has 9 dimensions, the limit is 8"));
    EXPECT_EQ(verdict(file_with(dict_of("<f4", "(2,)"), "1234")),
              "it has 4 bytes of elements, shape [2] needs 8");
    EXPECT_THAT(verdict(file_with(dict_of("<f4", "(4294967296,4294967296)"), "1234")),
                HasSubstr("needs too many"));
    EXPECT_THAT(verdict(file_with(dict_of("<f4", "(-1,)"), "1234")), HasSubstr("no valid shape"));
    EXPECT_THAT(verdict(file_with(dict_of("<f4", "(1x)"), "1234")), HasSubstr("no valid shape"));
    EXPECT_THAT(verdict(file_with(dict_of("<f4", "7"), "1234")), HasSubstr("has no shape"));
    EXPECT_THAT(
        verdict(file_with("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n", "1234")),
        HasSubstr("numpy.ascontiguousarray"));
    EXPECT_THAT(verdict(file_with("{'descr': [('a', '<f4')], }\n", "")), HasSubstr("no simple"));
    EXPECT_EQ(verdict(std::string("\x93NUMPY\x01\x00\xff\x7f{}", 12)), "it ends in its header");
    EXPECT_THAT(verdict(std::string("\x93NUMPY\x09\x00\x02\x00{}", 12)),
                HasSubstr("version 9, use one of 1 to 3"));
    EXPECT_EQ(read_npy("/no/such.npy").status().code(), StatusCode::not_found);
    EXPECT_THAT(read_npy("/tmp").status().message(), HasSubstr("cannot read /tmp"));
    EXPECT_EQ(write_npy("/no/such.npy", ConstTensorView()).code(), StatusCode::unavailable);
}

TEST(Npy, SurvivesFilesWithBytesChangedAtRandom) {
    constexpr std::uint64_t kSeed = 99;
    RecordProperty("seed", std::to_string(kSeed));
    std::mt19937_64 random(kSeed);
    const std::string good = file_with(dict_of("<f4", "(2, 3)"), std::string(24, 'x'));
    int accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string file = good;
        for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes)
            file[random() % file.size()] = static_cast<char>(random());
        file.resize(file.size() - (random() % 4 == 0 ? random() % file.size() : 0));
        const auto tensor = parse_npy(bytes_of(file));
        if (tensor.ok()) {
            ++accepted;
            ASSERT_EQ(byte_size(tensor->type, tensor->shape), tensor->buffer.size());
        }
    }
    EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace bunch
