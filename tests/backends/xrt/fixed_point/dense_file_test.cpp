#include "backends/xrt/fixed_point/dense_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/xrt/fixed_point/random_stack.h"

namespace bunch::fixed_point {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kSeed = 77;

std::vector<std::byte> small_file() {
    std::mt19937_64 random(kSeed);
    const StackShape shape{{3, 2, 1}, {StackActivation::relu, StackActivation::sigmoid}};
    return write_dense_stack(random_stack(shape, facile_formats(shape), random));
}

std::string refusal(const std::vector<std::byte>& bytes) {
    const auto stack = read_dense_stack(bytes);
    EXPECT_EQ(stack.status().code(), StatusCode::invalid_argument);
    return stack.status().message();
}

std::string refusal_with(std::size_t offset, int value) {
    std::vector<std::byte> bytes = small_file();
    bytes[offset] = static_cast<std::byte>(value);
    return refusal(bytes);
}

TEST(DenseFile, GivesBackWhatWasWritten) {
    std::mt19937_64 random(kSeed);
    for (int trial = 0; trial < 200; ++trial) {
        const StackShape shape = random_shape(random);
        const DenseStack stack = random_stack(shape, random_formats(shape, random), random);
        const auto read = read_dense_stack(write_dense_stack(stack));
        ASSERT_TRUE(read.ok()) << read.status().message();
        EXPECT_TRUE(*read == stack) << "seed " << kSeed << ", trial " << trial;
    }
}

TEST(DenseFile, NamesThePlaceOfWhatItCannotRead) {
    EXPECT_THAT(refusal_with(0, 'X'), HasSubstr("begins with BUNCHDS1"));
    EXPECT_THAT(refusal_with(8, 0), HasSubstr("at byte 12, has 0 layers announced; 1 to 16"));
    EXPECT_THAT(refusal_with(8, 17), HasSubstr("17 layers announced"));
    EXPECT_THAT(refusal_with(12, 33), HasSubstr("33 bits in all"));
    EXPECT_THAT(refusal_with(14, 2), HasSubstr("at byte 17, has no format before it, as inputs"));
    EXPECT_THAT(refusal_with(15, 7), HasSubstr("as inputs need"));
    EXPECT_THAT(refusal_with(16, 4), HasSubstr("as inputs need"));
    EXPECT_THAT(refusal_with(17, 1), HasSubstr("does not end in zeros"));
    EXPECT_THAT(refusal_with(21, 3), HasSubstr("layer 1: the weight file, at byte 28, has a layer "
                                               "of 771 inputs and 2 outputs"));
    EXPECT_THAT(refusal_with(43, 3), HasSubstr("no activation before it"));
    EXPECT_THAT(refusal_with(20, 2), HasSubstr("layer"));
}

TEST(DenseFile, RefusesEveryShortenedFileAndOneThatGoesOn) {
    const std::vector<std::byte> whole = small_file();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::vector<std::byte> part(whole.begin(),
                                          whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_THAT(refusal(part), HasSubstr("ends within"));
    }
    std::vector<std::byte> longer = whole;
    longer.push_back(std::byte{0});
    EXPECT_THAT(refusal(longer), HasSubstr("should end, but goes on"));
}

TEST(DenseFile, RefusesWeightsOutsideTheirFormat) {
    std::vector<std::byte> bytes = small_file();
    bytes[44 + 2] = std::byte{0x7f};
    bytes[44 + 3] = std::byte{0};
    EXPECT_THAT(refusal(bytes), HasSubstr("layer 1: a weight does not fit its format"));
}

}  // namespace
}  // namespace bunch::fixed_point
