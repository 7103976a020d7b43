#include "muon/vectors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "muon/parallel.h"
#include "muon/quantised/onnx_file.h"
#include "muon/records.h"
#include "muon/sample_file.h"
#include "npy/npy.h"
#include "zoo/random.h"

namespace bunch::muon {
namespace {

Status write_shorts(const std::string& path, std::span<const std::int32_t> numbers,
                    std::size_t columns) {
    const std::vector<std::int16_t> shorts(numbers.begin(), numbers.end());
    const Shape shape{static_cast<std::int64_t>(numbers.size() / columns),
                      static_cast<std::int64_t>(columns)};
    return write_text(path, npy_bytes({DataType::i16, shape, std::as_bytes(std::span(shorts))}));
}

}  // namespace

std::vector<std::int32_t> wire_fields(Task task, std::size_t vectors, std::uint64_t seed) {
    Random random(seed);
    std::vector<std::int32_t> fields(vectors * input_count(task, Encoding::raw));
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::int32_t low = kLowestField[i % kMuonFields];
        const auto values = static_cast<std::uint64_t>(kHighestField[i % kMuonFields] - low + 1);
        fields[i] = low + static_cast<std::int32_t>(random.bits() % values);  // powers of two
    }
    return fields;
}

void fill_up(std::vector<std::int32_t>& fields, Task task, std::size_t vectors,
             std::uint64_t seed) {
    const std::size_t columns = input_count(task, Encoding::raw), rows = fields.size() / columns;
    fields.resize(std::min(rows, vectors) * columns);
    const auto more = wire_fields(task, vectors - std::min(rows, vectors), seed);
    fields.insert(fields.end(), more.begin(), more.end());
}

Status write_vectors(const std::string& folder, const IntegerNetwork& network, std::size_t vectors,
                     std::uint64_t seed) {
    const auto fields = wire_fields(network.task, vectors, seed);
    const auto expected = run_fields(network, fields, core_count());
    const std::string record = folder + "/vectors.json";
    BUNCH_RETURN_IF_ERROR(remove_record(record));
    BUNCH_RETURN_IF_ERROR(
        write_shorts(folder + "/fields.npy", fields, input_count(network.task, Encoding::raw)));
    BUNCH_RETURN_IF_ERROR(
        write_shorts(folder + "/expected.npy", expected, output_count(network.task)));
    const nlohmann::json json = {{"task", name_of(network.task)},
                                 {"network", hash_of(onnx_bytes(network))},
                                 {"vectors", vectors},
                                 {"seed", seed}};
    return write_text(record, json.dump(2) + "\n");
}

}  // namespace bunch::muon
