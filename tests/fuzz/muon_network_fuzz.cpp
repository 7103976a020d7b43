/// The files of a muon network: any bytes are read or refused, and what was read is as promised.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "muon/quantised/freeze.h"
#include "muon/quantised/onnx_file.h"
#include "muon/run_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const auto network = bunch::muon::parse_onnx(bytes);
    if (network.ok() && bunch::muon::onnx_bytes(*network) != bytes) std::abort();
    const auto run = bunch::muon::parse_network(bytes);
    if (run.ok()) static_cast<void>(bunch::muon::freeze(run->model, run->task).ok());
    return 0;
}
