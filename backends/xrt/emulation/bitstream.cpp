#include "backends/xrt/emulation/bitstream.h"

#include <charconv>
#include <cstdint>
#include <string_view>

namespace bunch::emulation {
namespace {

constexpr std::string_view kFirstLine = "bunch-emulation 1";
constexpr std::size_t kMostKernels = 64;

Status not_ours(const std::string& what) {
    return invalid_argument("this bitstream is not for an emulated card: " + what);
}

/// Takes `count` characters, or all up to `end`, from the front of `text`.
std::string_view take_until(std::string_view& text, char end) {
    const std::size_t length = text.find(end);
    const std::string_view taken = text.substr(0, length);
    text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
    return taken;
}

}  // namespace

std::vector<std::byte> write_bitstream(std::span<const KernelImage> kernels) {
    std::string head = std::string(kFirstLine) + '\n';
    for (const KernelImage& image : kernels)
        head += "kernel " + image.kernel + ' ' + image.model + ' ' +
                std::to_string(image.parameters.size()) + '\n';
    head += '\n';
    const auto text = std::as_bytes(std::span(head));
    std::vector<std::byte> bytes(text.begin(), text.end());
    for (const KernelImage& image : kernels)
        bytes.insert(bytes.end(), image.parameters.begin(), image.parameters.end());
    return bytes;
}

Result<std::vector<KernelImage>> read_bitstream(std::span<const std::byte> bytes) {
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (take_until(rest, '\n') != kFirstLine)
        return not_ours("it does not begin with \"" + std::string(kFirstLine) + '"');
    std::vector<KernelImage> kernels;
    std::vector<std::size_t> sizes;
    for (std::string_view line = take_until(rest, '\n'); !line.empty();
         line = take_until(rest, '\n')) {
        const std::string_view word = take_until(line, ' ');
        const std::string_view kernel = take_until(line, ' ');
        const std::string_view model = take_until(line, ' ');
        std::size_t size = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size);
        if (word != "kernel" || kernel.empty() || model.empty() || error != std::errc() ||
            end != line.data() + line.size() || kernels.size() == kMostKernels)
            return not_ours("its list of kernels is damaged");
        kernels.push_back({std::string(kernel), std::string(model), {}});
        sizes.push_back(size);
    }
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        if (sizes[i] > rest.size())
            return not_ours("it ends within the parameters of '" + kernels[i].kernel + "'");
        const auto parameters = std::as_bytes(std::span(rest.data(), sizes[i]));
        kernels[i].parameters.assign(parameters.begin(), parameters.end());
        rest.remove_prefix(sizes[i]);
    }
    if (!rest.empty()) return not_ours("it has bytes after its last kernel");
    return kernels;
}

}  // namespace bunch::emulation
