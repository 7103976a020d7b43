/// An environment variable that a test changes for as long as it wants.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace bunch::muon {

class EnvironmentChange {
  public:
    EnvironmentChange(const char* name, const std::string& value) : name_(name) {
        if (const char* const before = std::getenv(name)) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~EnvironmentChange() {
        if (before_)
            ::setenv(name_, before_->c_str(), 1);
        else
            ::unsetenv(name_);
    }
    EnvironmentChange(const EnvironmentChange&) = delete;
    EnvironmentChange& operator=(const EnvironmentChange&) = delete;

  private:
    const char* name_;
    std::optional<std::string> before_;
};

}  // namespace bunch::muon
