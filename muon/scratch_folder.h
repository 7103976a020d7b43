/// A new folder among the system's temporary files that goes with its owner.
#pragma once

#include <string>
#include <utility>

#include "core/result.h"

namespace bunch::muon {

class ScratchFolder {
  public:
    /// unavailable if TMPDIR (or /tmp) takes none.
    static Result<ScratchFolder> make();

    ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
    ScratchFolder& operator=(ScratchFolder&& other) noexcept {
        std::swap(path_, other.path_);
        return *this;
    }
    ~ScratchFolder();

    const std::string& path() const { return path_; }

  private:
    explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace bunch::muon
