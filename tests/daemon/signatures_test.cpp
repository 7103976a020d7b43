#include "daemon/signatures.h"

#include <gtest/gtest.h>

namespace bunch {
namespace {

ModelSignature two_inputs() {
    ModelSignature signature;
    signature.inputs = {{"x", DataType::f32, {kAnyExtent, 4}}, {"m", DataType::i64, {kAnyExtent}}};
    return signature;
}

TEST(Signatures, TakeNamesOfOpenExtentsFromOthersThatAreLikeThem) {
    ModelSignature named, plain;
    named.inputs = {{"x", DataType::f32, {kAnyExtent, kAnyExtent, 4}, {"", "P", ""}},
                    {"y", DataType::f32, {kAnyExtent, kAnyExtent}, {"", "Q"}}};
    plain.inputs = {{"x", DataType::f32, {kAnyExtent, kAnyExtent, 4}},
                    {"y", DataType::f64, {kAnyExtent, kAnyExtent}}};

    EXPECT_EQ(difference_between(named, plain, true),
              "input 'x' FP32 [-1,P,4] here, 'x' FP32 [-1,-1,4] there");
    take_names(named, plain);

    EXPECT_EQ(plain.inputs[0], named.inputs[0]);
    EXPECT_TRUE(plain.inputs[1].dimensions.empty());
    take_names(plain, named);
    EXPECT_EQ(named.inputs[1].dimensions[1], "Q");
}

TEST(Signatures, SayInWhatTheyDiffer) {
    const ModelSignature ours = two_inputs();
    ModelSignature theirs = ours;
    theirs.inputs[0].dimensions = {"N", ""};
    EXPECT_EQ(difference_between(ours, theirs, false), "");
    EXPECT_EQ(difference_between(ours, theirs, true),
              "input 'x' FP32 [-1,4] here, 'x' FP32 [N,4] there");
    theirs.inputs[1].shape = {kAnyExtent, 1};
    EXPECT_EQ(difference_between(ours, theirs, false),
              "input 'm' INT64 [-1] here, 'm' INT64 [-1,1] there");
    theirs = ours;
    theirs.outputs = theirs.inputs;
    EXPECT_EQ(difference_between(ours, theirs, false), "there are 0 outputs here and 2 there");
    theirs.batched = false;
    EXPECT_EQ(difference_between(ours, theirs, false), "rows may share batches here and not there");
}

}  // namespace
}  // namespace bunch
