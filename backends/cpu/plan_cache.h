/// What was chosen for a model's convolutions, on disk, by the content of its file and this
/// machine: so that a model is timed once, and computes the same bits after every start.
///
/// Not for: prepared weights or primitives; making these takes a second for ResNet-50.
#pragma once

#include <filesystem>
#include <string>

#include "backends/cpu/conv_choices.h"
#include "core/result.h"

namespace bunch::cpu {

/// Files in one folder; any number of processes at once. A file that is damaged, or was written by
/// another version or on another processor, counts as none.
class PlanCache {
  public:
    /// For the model file at `model`, which is read here. `folder` is made if it is not there.
    static Result<PlanCache> open(const std::filesystem::path& folder, const std::string& model);

    /// What is known; nothing for a new model.
    ConvChoices load() const;
    /// Replaces what is known. `unavailable` if that cannot be written.
    Status store(const ConvChoices& choices) const;

    const std::filesystem::path& file() const { return file_; }

  private:
    explicit PlanCache(std::filesystem::path file) : file_(std::move(file)) {}

    std::filesystem::path file_;
};

}  // namespace bunch::cpu
