/// The file with what was learnt of run times, in the daemon's state folder. Used by the main
/// thread; writing waits for the disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/status.h"
#include "daemon/curve_text.h"

namespace bunch {

class CurveStore {
  public:
    /// Reads the models' files for their fingerprints, and the curves that are kept. A ModelId is a
    /// place in `models`. A file that is not one of ours is left alone until the first save(), and
    /// logged.
    CurveStore(const std::string& state_dir, const std::vector<ModelSpec>& models);

    /// What is kept of these models, as long as their files are the same.
    std::vector<LearntCurve> curves() const;

    /// Puts these in place of what is kept of their models and classes, and writes all to disk:
    /// either the old file or the new one is there, whenever the power fails.
    Status save(const std::vector<LearntCurve>& learnt);

    const std::string& path() const { return path_; }

  private:
    struct Model {
        std::string name;
        std::string version;
        std::uint64_t fingerprint = 0;
    };

    std::string path_;
    std::vector<Model> models_;  ///< index is ModelId
    std::vector<KeptCurve> kept_;
};

/// A number for the content of a model's file and the precision it is run in; of its declared
/// tensors where there is no file. 0 if the file cannot be read.
std::uint64_t fingerprint_of(const ModelSpec& model);

/// Replaces the file by one with this text.
Status write_atomically(const std::string& path, const std::string& text);

}  // namespace bunch
