/// Runs `bunch-muon` command lines inside a test.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "muon/commands.h"

namespace bunch::muon {

/// A command line given as words between spaces; its exit code.
inline int command(const std::string& line) {
    std::vector<std::string> words = {"bunch-muon"};
    std::istringstream stream(line);
    for (std::string word; stream >> word;) words.push_back(word);
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    return run(static_cast<int>(arguments.size()), arguments.data());
}

/// What it says on standard error when it ends with `code`.
inline std::string error_of(const std::string& line, int code = 1) {
    testing::internal::CaptureStderr();
    const int found = command(line);
    const std::string error = testing::internal::GetCapturedStderr();
    EXPECT_EQ(found, code) << line << "\n" << error;
    return error;
}

/// What it prints when it works.
inline std::string output_of_command(const std::string& line) {
    testing::internal::CaptureStdout();
    const int found = command(line);
    const std::string output = testing::internal::GetCapturedStdout();
    EXPECT_EQ(found, 0) << line;
    return output;
}

}  // namespace bunch::muon
