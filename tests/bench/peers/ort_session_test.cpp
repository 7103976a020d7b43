#include "bench/peers/onnxruntime/ort_session.h"

#include <gtest/gtest.h>

namespace bunch::peers {
namespace {

TEST(OrtLibrary, NamesAFileThatIsNotThere) {
    const auto library = OrtLibrary::open("/nowhere/libonnxruntime.so.1");

    ASSERT_FALSE(library.ok());
    EXPECT_EQ(library.status().code(), StatusCode::not_found);
    EXPECT_NE(library.status().message().find("/nowhere/libonnxruntime.so.1"), std::string::npos);
}

TEST(OrtLibrary, RefusesALibraryThatIsSomethingElse) {
    const auto library = OrtLibrary::open("libm.so.6");

    ASSERT_FALSE(library.ok());
    EXPECT_EQ(library.status().code(), StatusCode::unimplemented);
    EXPECT_EQ(library.status().message(), "libm.so.6 is not ONNX Runtime");
}

}  // namespace
}  // namespace bunch::peers
