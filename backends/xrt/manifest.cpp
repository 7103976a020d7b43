#include "backends/xrt/manifest.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace bunch::fpga {

std::uint64_t DeviceTensor::elements_per_row() const {
    return *spec.shape.elements_per_row();
}

std::uint32_t DeviceTensor::element_bytes() const {
    return format ? format->stored_bytes() : static_cast<std::uint32_t>(size_of(spec.type));
}

std::uint64_t DeviceTensor::row_stride() const {
    const std::uint64_t bytes = elements_per_row() * element_bytes();
    return (bytes + row_align - 1) / row_align * row_align;
}

ModelSignature Manifest::signature() const {
    ModelSignature signature;
    for (const DeviceTensor& tensor : inputs) signature.inputs.push_back(tensor.spec);
    for (const DeviceTensor& tensor : outputs) signature.outputs.push_back(tensor.spec);
    return signature;
}

bool Manifest::tells_rows() const {
    return std::any_of(arguments.begin(), arguments.end(), [](const Argument& argument) {
        return argument.kind == Argument::Kind::rows;
    });
}

}  // namespace bunch::fpga
