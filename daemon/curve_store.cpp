#include "daemon/curve_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "backends/wire/unique_fd.h"
#include "monitoring/log.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = std::uintmax_t{8} << 20;

/// Fowler, Noll and Vo's hash over words in place of bytes: files have hundreds of MiB.
class Hash {
  public:
    void add(const char* bytes, std::size_t size) {
        for (; size >= sizeof(std::uint64_t);
             bytes += sizeof(std::uint64_t), size -= sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes, sizeof(word));
            mix(word);
        }
        for (; size > 0; ++bytes, --size) mix(static_cast<unsigned char>(*bytes));
    }
    void mix(std::uint64_t word) {
        value_ = (value_ ^ word) * 0x100000001b3u;
        value_ ^= value_ >> 29;
    }
    std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_ = 0xcbf29ce484222325u;
};

void add_signature(const ModelSignature& signature, Hash& hash) {
    for (const auto* tensors : {&signature.inputs, &signature.outputs})
        for (const TensorSpec& tensor : *tensors) {
            hash.mix(static_cast<std::uint64_t>(tensor.type));
            for (const std::int64_t extent : tensor.shape.extents())
                hash.mix(static_cast<std::uint64_t>(extent));
        }
}

bool add_file(const std::string& path, Hash& hash) {
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    std::ifstream file(path, std::ios::binary);
    const auto piece = std::make_unique<char[]>(kPiece);
    while (file) {
        file.read(piece.get(), kPiece);
        hash.add(piece.get(), static_cast<std::size_t>(file.gcount()));
    }
    return file.eof();
}

Status cannot_write(const std::string& path) {
    return unavailable("cannot write '" + path + "': " + std::strerror(errno) +
                       " (its folder must be writable for the user that bunchd runs as)");
}

Status write_all(int fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return cannot_write(path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0 ? ok_status() : cannot_write(path);
}

/// Whether both are of the same model, version and class, whatever its file was then.
bool is_same(const KeptCurve& a, const KeptCurve& b) {
    return a.model == b.model && a.version == b.version &&
           a.curve.device_class == b.curve.device_class;
}

Result<std::vector<KeptCurve>> read_kept(const std::string& path) {
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(path, error);
    if (error == std::errc::no_such_file_or_directory) return std::vector<KeptCurve>();
    if (error || bytes > kMostBytes)
        return invalid_argument(path + ": cannot be read, or is too large");
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return parse_curves(text, path);
}

}  // namespace

std::uint64_t fingerprint_of(const ModelSpec& model) {
    Hash hash;
    hash.mix(static_cast<std::uint64_t>(model.precision));
    if (model.path.empty()) {
        add_signature(model.signature, hash);
    } else if (!add_file(model.path, hash)) {
        return 0;
    }
    return std::max<std::uint64_t>(hash.value(), 1);
}

Status write_atomically(const std::string& path, const std::string& text) {
    const std::string fresh = path + ".new";
    UniqueFd file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file.valid()) return cannot_write(fresh);
    BUNCH_RETURN_IF_ERROR(write_all(file.get(), text, fresh));
    if (::rename(fresh.c_str(), path.c_str()) != 0) return cannot_write(path);
    // So that the new name, too, is on disk.
    const UniqueFd folder(::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!folder.valid() || ::fsync(folder.get()) != 0) return cannot_write(path);
    return ok_status();
}

CurveStore::CurveStore(const std::string& state_dir, const std::vector<ModelSpec>& models)
    : path_((fs::path(state_dir) / "curves.toml").string()) {
    for (const ModelSpec& model : models)
        models_.push_back({model.name, model.version, fingerprint_of(model)});
    auto kept = read_kept(path_);
    if (kept.ok()) {
        kept_ = std::move(*kept);
    } else {
        log::warn("curves_unusable",
                  {{"reason", kept.status().message()}, {"remedy", "run times are learnt anew"}});
    }
}

std::vector<LearntCurve> CurveStore::curves() const {
    std::vector<LearntCurve> found;
    for (const KeptCurve& kept : kept_) {
        for (std::uint32_t i = 0; i < models_.size(); ++i) {
            const Model& model = models_[i];
            if (kept.model != model.name || kept.version != model.version ||
                kept.fingerprint != model.fingerprint || model.fingerprint == 0)
                continue;
            found.push_back(kept.curve);
            found.back().model = ModelId{i};
        }
    }
    return found;
}

Status CurveStore::save(const std::vector<LearntCurve>& learnt) {
    std::vector<KeptCurve> all;
    for (const LearntCurve& curve : learnt) {
        if (curve.model.value >= models_.size()) continue;
        const Model& model = models_[curve.model.value];
        all.push_back({model.name, model.version, model.fingerprint, curve});
        all.back().curve.model = ModelId{};
    }
    // What belongs to models or classes that are not here now may come back.
    for (KeptCurve& kept : kept_) {
        const bool is_replaced = std::any_of(
            all.begin(), all.end(), [&](const KeptCurve& curve) { return is_same(curve, kept); });
        if (!is_replaced && all.size() < kMostKeptCurves) all.push_back(std::move(kept));
    }
    kept_ = std::move(all);
    return write_atomically(path_, text_of_curves(kept_));
}

}  // namespace bunch
