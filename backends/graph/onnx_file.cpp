#include "backends/graph/onnx_file.h"

#include <fstream>
#include <limits>
#include <string>

#include "backends/graph/onnx_reader.h"

namespace bunch {
namespace {

constexpr std::int64_t kNewestMl = 3;

Result<OnnxVersions> versions_of(const onnx::ModelProto& model) {
    OnnxVersions versions;
    for (const auto& entry : model.opset_import()) {
        const std::string& domain = entry.domain();
        const bool own = domain.empty() || domain == "ai.onnx";
        if (own && (entry.version() < kOldestOpset || entry.version() > kNewestOpset))
            return unimplemented("operator set " + std::to_string(entry.version()) +
                                 " is not supported; export the model with one from " +
                                 std::to_string(kOldestOpset) + " to " +
                                 std::to_string(kNewestOpset));
        if (domain == "ai.onnx.ml" && (entry.version() < 1 || entry.version() > kNewestMl))
            return unimplemented("operator set " + std::to_string(entry.version()) +
                                 " of ai.onnx.ml is not supported; use one from 1 to " +
                                 std::to_string(kNewestMl));
        if (!own && domain != "ai.onnx.ml") versions.unknown_domain = domain;
        if (own && versions.onnx == 0) versions.onnx = entry.version();
        if (domain == "ai.onnx.ml") versions.ml = entry.version();
    }
    if (versions.onnx == 0 && versions.ml == 0 && !versions.unknown_domain.empty())
        return unimplemented("operators of the domain '" + versions.unknown_domain +
                             "' are not supported");
    if (versions.onnx == 0 && versions.ml == 0)
        return invalid_argument("the file names no operator set; it is no ONNX model, or cut off");
    if (versions.onnx == 0) versions.onnx = kOldestOpset;
    return versions;
}

}  // namespace

Result<std::vector<std::byte>> read_model_bytes(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return not_found("no such file");
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) return not_found(error.message());
    // protobuf's own limit; larger models keep their tensors outside the file.
    if (size > static_cast<std::uintmax_t>(std::numeric_limits<int>::max()))
        return invalid_argument("the file has more than 2 GiB; keep its tensors in external files");
    std::vector<std::byte> bytes(size);
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (!file)
        return unavailable("cannot be read (check the permissions of the file and its folders)");
    return bytes;
}

Result<OnnxVersions> parse_model(std::span<const std::byte> bytes, onnx::ModelProto& model) {
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
        !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return invalid_argument(
            "not an ONNX file, or cut off or corrupt (protobuf cannot read it)");
    BUNCH_ASSIGN_OR_RETURN(const OnnxVersions versions, versions_of(model));
    if (!model.has_graph()) return invalid_argument("the file holds no graph");
    return versions;
}

}  // namespace bunch
