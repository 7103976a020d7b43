#include "tests/backends/cpu/npy.h"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <vector>

namespace bunch::cpu_test {
namespace {

constexpr char kMagic[] = "\x93NUMPY\x01";  // and one zero byte: version 1.0
constexpr std::size_t kPreamble = 10;       // magic, version, length of the header

Result<Shape> shape_in(const std::string& header) {
    const std::size_t open = header.find('(', header.find("'shape'"));
    const std::size_t close = header.find(')', open);
    if (open == std::string::npos || close == std::string::npos)
        return invalid_argument("its header names no shape");
    std::string list = header.substr(open + 1, close - open - 1);
    for (char& c : list)
        if (c == ',') c = ' ';
    std::istringstream numbers(list);
    std::vector<std::int64_t> extents;
    for (std::int64_t extent = 0; numbers >> extent;) extents.push_back(extent);
    const auto shape = Shape::from(extents);
    if (!shape) return invalid_argument("its shape has too many dimensions");
    return *shape;
}

}  // namespace

Result<Tensor> read_npy(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    char preamble[kPreamble] = {};
    if (!file.read(preamble, kPreamble) || std::string(preamble, 8) != std::string(kMagic, 8))
        return invalid_argument(path + " is no .npy file of version 1");
    const auto low = static_cast<unsigned char>(preamble[8]);
    const auto high = static_cast<unsigned char>(preamble[9]);
    std::string header(static_cast<std::size_t>(low) + 256U * high, ' ');
    file.read(header.data(), static_cast<std::streamsize>(header.size()));
    if (header.find("'<f4'") == std::string::npos || header.find("True") != std::string::npos)
        return invalid_argument(path + " does not hold 32-bit floats in C order");
    Result<Shape> shape = shape_in(header);
    if (!shape.ok()) return shape.status().with_context(path);
    const auto size = byte_size(DataType::f32, *shape);
    if (!size) return invalid_argument(path + " has a shape that is too large");
    Tensor tensor{DataType::f32, *shape, Buffer::allocate(*size)};
    file.read(reinterpret_cast<char*>(tensor.buffer.bytes().data()),
              static_cast<std::streamsize>(*size));
    if (!file) return invalid_argument(path + " is cut off");
    return tensor;
}

Status write_npy(const std::string& path, const ConstTensorView& tensor) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (const std::int64_t extent : tensor.shape.extents()) header += std::to_string(extent) + ",";
    header += "), }";
    header.append(63 - (kPreamble + header.size()) % 64, ' ');
    header += '\n';
    const auto length = static_cast<std::uint16_t>(header.size());
    std::ofstream file(path, std::ios::binary);
    file.write(kMagic, 8);
    file.put(static_cast<char>(length % 256)).put(static_cast<char>(length / 256));
    file << header;
    file.write(reinterpret_cast<const char*>(tensor.bytes.data()),
               static_cast<std::streamsize>(tensor.bytes.size()));
    file.close();
    return file ? ok_status() : unavailable("cannot write " + path);
}

}  // namespace bunch::cpu_test
