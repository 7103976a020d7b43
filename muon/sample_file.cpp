#include "muon/sample_file.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "muon/records.h"
#include "npy/npy.h"

namespace bunch::muon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = "/generate.json";

template <typename T>
Status write_array(const std::string& path, DataType type, const Shape& shape,
                   std::span<const T> numbers) {
    return write_text(path, npy_bytes({type, shape, std::as_bytes(numbers)}));
}

template <typename T>
Result<std::vector<T>> read_array(const std::string& path, DataType type, std::int64_t columns) {
    BUNCH_ASSIGN_OR_RETURN(const Tensor tensor, read_npy(path));
    const Shape wanted = columns == 0 ? Shape{kAnyExtent} : Shape{kAnyExtent, columns};
    if (tensor.type != type || !wanted.admits(tensor.shape))
        return invalid_argument("'" + path + "' is " + std::string(name_of(tensor.type)) +
                                tensor.shape.to_string() + "; a sample has " +
                                std::string(name_of(type)) + wanted.to_string() +
                                ", as 'bunch-muon generate' writes it");
    std::vector<T> numbers(tensor.buffer.size() / sizeof(T));
    if (numbers.empty())
        return invalid_argument("'" + path + "' is empty; generate a sample of at least 1");
    std::memcpy(numbers.data(), tensor.buffer.bytes().data(), tensor.buffer.size());
    return numbers;
}

void append(std::vector<std::int32_t>& row, const L1Muon& muon) {
    const auto fields = fields_of(muon);
    row.insert(row.end(), fields.begin(), fields.end());
}

Status check(const std::string& path, std::size_t row, const L1Muon& muon) {
    const bool fits = muon.phi >= 0 && muon.phi < kPhiUnits && std::abs(muon.eta) <= kMaxEta &&
                      muon.pt >= 1 && muon.pt <= kMaxPt && (muon.charge == 0 || muon.charge == 1) &&
                      muon.quality >= 0 && muon.quality <= kMaxQuality;
    if (fits) return ok_status();
    return invalid_argument("'" + path + "', row " + std::to_string(row) +
                            ": a field is out of its width (phi 0 to 575, eta -255 to 255, pt 1 "
                            "to 511, charge 0 or 1, quality 0 to 15)");
}

/// Candidates `index`, `index + step`, ... of the numbers.
Result<std::vector<L1Muon>> muons_of(const std::string& path, std::span<const std::int32_t> numbers,
                                     std::size_t index, std::size_t step) {
    std::vector<L1Muon> muons;
    for (std::size_t i = index * kMuonFields; i < numbers.size(); i += step * kMuonFields) {
        const L1Muon muon = {numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3],
                             numbers[i + 4]};
        BUNCH_RETURN_IF_ERROR(check(path, muons.size(), muon));
        muons.push_back(muon);
    }
    return muons;
}

Status check(const std::string& path, std::size_t row, const OfflineMuon& muon) {
    constexpr float kMost = 1e6F, kLeastPt = 1e-3F;  // NaN is not below, either
    if (std::abs(muon.phi) < kMost && std::abs(muon.eta) < kMost && muon.pt >= kLeastPt &&
        muon.pt < kMost)
        return ok_status();
    return invalid_argument("'" + path + "', row " + std::to_string(row) + ": phi " +
                            std::to_string(muon.phi) + ", eta " + std::to_string(muon.eta) +
                            ", pt " + std::to_string(muon.pt) +
                            " is no muon (units of the hardware, GeV; pt at least 0.001, all "
                            "below a million)");
}

Status check_real(const std::string& path, std::span<const std::uint8_t> real) {
    for (std::size_t row = 0; row < real.size(); ++row)
        if (real[row] > 1)
            return invalid_argument("'" + path + "', row " + std::to_string(row) + " is " +
                                    std::to_string(real[row]) + "; a pair is real (1) or fake (0)");
    return ok_status();
}

Status check_record(const std::string& folder) {
    const std::string path = folder + kRecord;
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return ok_status();
    return not_found("there is no '" + path +
                     "': the path is wrong, or the sample was not finished, of which it is written "
                     "last; generate it again with 'bunch-muon generate'");
}

Status differ(const std::string& folder) {
    return invalid_argument("the files of '" + folder + "' have different numbers of rows; " +
                            "generate the sample again");
}

}  // namespace

Status make_folder(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error && ::access(folder.c_str(), W_OK) != 0)
        error = std::error_code(errno, std::generic_category());
    if (!error) return ok_status();
    return unavailable("the folder '" + folder + "' cannot be written to: " + error.message() +
                       "; choose another one");
}

Status write_text(const std::string& path, const std::string& text) {
    std::error_code error;  // what cannot be made cannot be written to, either
    if (const fs::path folder = fs::path(path).parent_path(); !folder.empty())
        fs::create_directories(folder, error);
    const std::string temporary = path + ".tmp";
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (file && std::rename(temporary.c_str(), path.c_str()) == 0) return ok_status();
    const std::string reason = std::strerror(errno);
    std::remove(temporary.c_str());
    return unavailable("'" + path + "' cannot be written: " + reason +
                       "; choose a folder that can be made and has room");
}

Result<std::string> read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    if (file) text << file.rdbuf();
    if (!file) return not_found("'" + path + "' cannot be read; is the path right?");
    return text.str();
}

Status write_integers(const std::string& path, std::span<const std::int32_t> numbers,
                      std::size_t columns) {
    return write_array(
        path, DataType::i32,
        {static_cast<std::int64_t>(numbers.size() / columns), static_cast<std::int64_t>(columns)},
        numbers);
}

Result<std::vector<std::int32_t>> read_integers(const std::string& path, std::size_t columns) {
    return read_array<std::int32_t>(path, DataType::i32, static_cast<std::int64_t>(columns));
}

std::vector<std::int32_t> fields_of(const MuonSample& sample) {
    std::vector<std::int32_t> fields;
    for (const L1Muon& muon : sample.l1) append(fields, muon);
    return fields;
}

std::vector<std::int32_t> fields_of(const PairSample& sample) {
    std::vector<std::int32_t> fields;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        append(fields, sample.first[i]);
        append(fields, sample.second[i]);
    }
    return fields;
}

Status write_muons(const std::string& folder, const MuonSample& sample) {
    BUNCH_RETURN_IF_ERROR(remove_record(folder + kRecord));
    const auto fields = fields_of(sample);
    std::vector<float> offline;
    for (const OfflineMuon& muon : sample.offline)
        offline.insert(offline.end(), {muon.phi, muon.eta, muon.pt});
    BUNCH_RETURN_IF_ERROR(write_integers(folder + "/muons/fields.npy", fields, kMuonFields));
    const Shape shape{static_cast<std::int64_t>(sample.size()), 3};
    return write_array<float>(folder + "/muons/offline.npy", DataType::f32, shape, offline);
}

Status write_pairs(const std::string& folder, const PairSample& sample) {
    BUNCH_RETURN_IF_ERROR(remove_record(folder + kRecord));
    const auto fields = fields_of(sample);
    BUNCH_RETURN_IF_ERROR(write_integers(folder + "/pairs/fields.npy", fields, 2 * kMuonFields));
    const Shape shape{static_cast<std::int64_t>(sample.size())};
    return write_array<std::uint8_t>(folder + "/pairs/real.npy", DataType::u8, shape, sample.real);
}

Result<MuonSample> read_muons(const std::string& folder) {
    BUNCH_RETURN_IF_ERROR(check_record(folder));
    const std::string path = folder + "/muons/fields.npy";
    BUNCH_ASSIGN_OR_RETURN(const auto numbers, read_integers(path, kMuonFields));
    const std::string offline_path = folder + "/muons/offline.npy";
    BUNCH_ASSIGN_OR_RETURN(const auto offline, read_array<float>(offline_path, DataType::f32, 3));
    MuonSample sample;
    BUNCH_ASSIGN_OR_RETURN(sample.l1, muons_of(path, numbers, 0, 1));
    if (offline.size() != sample.l1.size() * 3) return differ(folder + "/muons");
    for (std::size_t i = 0; i < offline.size(); i += 3) {
        const OfflineMuon muon = {offline[i], offline[i + 1], offline[i + 2]};
        BUNCH_RETURN_IF_ERROR(check(offline_path, i / 3, muon));
        sample.offline.push_back(muon);
    }
    return sample;
}

Result<PairSample> read_pairs(const std::string& folder) {
    BUNCH_RETURN_IF_ERROR(check_record(folder));
    const std::string path = folder + "/pairs/fields.npy";
    BUNCH_ASSIGN_OR_RETURN(const auto numbers, read_integers(path, 2 * kMuonFields));
    PairSample sample;
    BUNCH_ASSIGN_OR_RETURN(sample.first, muons_of(path, numbers, 0, 2));
    BUNCH_ASSIGN_OR_RETURN(sample.second, muons_of(path, numbers, 1, 2));
    const std::string real_path = folder + "/pairs/real.npy";
    BUNCH_ASSIGN_OR_RETURN(sample.real, read_array<std::uint8_t>(real_path, DataType::u8, 0));
    BUNCH_RETURN_IF_ERROR(check_real(real_path, sample.real));
    if (sample.real.size() != sample.first.size()) return differ(folder + "/pairs");
    return sample;
}

}  // namespace bunch::muon
