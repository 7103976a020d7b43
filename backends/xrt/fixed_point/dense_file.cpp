#include "backends/xrt/fixed_point/dense_file.h"

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "backends/xrt/fixed_point/arithmetic.h"

namespace bunch::fixed_point {
namespace {

constexpr std::string_view kMagic = "BUNCHDS1";
constexpr std::size_t kFormatBytes = 5;
constexpr std::size_t kNumberBytes = 4;
constexpr FixedFormat kStoredSigned{32, 32, true, Rounding::truncate, Overflow::wrap};
constexpr FixedFormat kStoredUnsigned{32, 32, false, Rounding::truncate, Overflow::wrap};

const FixedFormat& stored(const FixedFormat& format) {
    return format.is_signed ? kStoredSigned : kStoredUnsigned;
}

class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::size_t offset() const { return offset_; }
    bool at_end() const { return offset_ == bytes_.size(); }

    /// The next bytes; invalid_argument if there are fewer.
    Result<std::span<const std::byte>> take(std::size_t count, const char* what) {
        if (bytes_.size() - offset_ < count)
            return problem(std::string("ends within ") + what + ", which needs " +
                           std::to_string(count) + " bytes");
        offset_ += count;
        return bytes_.subspan(offset_ - count, count);
    }

    Status problem(const std::string& what) const {
        return invalid_argument("the weight file, at byte " + std::to_string(offset_) + ", " +
                                what);
    }

    Result<std::uint32_t> number(const char* what) {
        BUNCH_ASSIGN_OR_RETURN(const auto bytes, take(kNumberBytes, what));
        return static_cast<std::uint32_t>(load_raw(bytes.data(), kStoredUnsigned));
    }

    Result<FixedFormat> format(const char* what) {
        BUNCH_ASSIGN_OR_RETURN(const auto bytes, take(kFormatBytes, what));
        const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(bytes[i]); };
        if (at(2) > 1 || at(3) > static_cast<std::uint8_t>(Rounding::nearest_down) ||
            at(4) > static_cast<std::uint8_t>(Overflow::saturate_symmetric))
            return problem(std::string("has no format before it, as ") + what + " need");
        const FixedFormat format{at(0), static_cast<std::int8_t>(at(1)), at(2) == 1,
                                 static_cast<Rounding>(at(3)), static_cast<Overflow>(at(4))};
        BUNCH_RETURN_IF_ERROR(check(format).with_context(problem("").message() + what));
        return format;
    }

    Result<std::vector<std::int64_t>> raws(std::size_t count, const FixedFormat& format,
                                           const char* what) {
        BUNCH_ASSIGN_OR_RETURN(const auto bytes, take(count * kNumberBytes, what));
        std::vector<std::int64_t> raws(count);
        for (std::size_t i = 0; i < count; ++i)
            raws[i] = load_raw(&bytes[i * kNumberBytes], stored(format));
        return raws;
    }

  private:
    std::span<const std::byte> bytes_;
    std::size_t offset_ = 0;
};

Result<DenseLayer> read_layer(Reader& reader) {
    DenseLayer layer;
    BUNCH_ASSIGN_OR_RETURN(layer.inputs, reader.number("a layer's inputs"));
    BUNCH_ASSIGN_OR_RETURN(layer.outputs, reader.number("a layer's outputs"));
    if (layer.inputs > kMaxWidth || layer.outputs > kMaxWidth)
        return reader.problem("has a layer of " + std::to_string(layer.inputs) + " inputs and " +
                              std::to_string(layer.outputs) + " outputs before it; at most " +
                              std::to_string(kMaxWidth) + " are possible");
    BUNCH_ASSIGN_OR_RETURN(layer.weight_format, reader.format("weights"));
    BUNCH_ASSIGN_OR_RETURN(layer.bias_format, reader.format("biases"));
    BUNCH_ASSIGN_OR_RETURN(layer.output_format, reader.format("outputs"));
    BUNCH_ASSIGN_OR_RETURN(const auto activation, reader.take(1, "an activation"));
    if (activation[0] > std::byte{static_cast<std::uint8_t>(StackActivation::sigmoid)})
        return reader.problem("has no activation before it: 0 none, 1 relu, 2 sigmoid");
    layer.activation = static_cast<StackActivation>(activation[0]);
    BUNCH_ASSIGN_OR_RETURN(layer.weights, reader.raws(std::size_t{layer.inputs} * layer.outputs,
                                                      layer.weight_format, "the weights"));
    BUNCH_ASSIGN_OR_RETURN(layer.biases,
                           reader.raws(layer.outputs, layer.bias_format, "the biases"));
    if (layer.activation == StackActivation::sigmoid) {
        BUNCH_ASSIGN_OR_RETURN(layer.table, reader.raws(kSigmoidEntries, layer.output_format,
                                                        "the table of a sigmoid"));
    }
    return layer;
}

void append(std::vector<std::byte>& bytes, std::int64_t number) {
    bytes.resize(bytes.size() + kNumberBytes);
    store_raw(number, bytes.data() + bytes.size() - kNumberBytes, kStoredUnsigned);
}

void append(std::vector<std::byte>& bytes, const FixedFormat& format) {
    for (const int part :
         {int{format.total_bits}, int{format.integer_bits} & 0xff, format.is_signed ? 1 : 0,
          static_cast<int>(format.rounding), static_cast<int>(format.overflow)})
        bytes.push_back(static_cast<std::byte>(part));
}

}  // namespace

Result<DenseStack> read_dense_stack(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    BUNCH_ASSIGN_OR_RETURN(const auto magic, reader.take(kMagic.size(), "its first word"));
    if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0)
        return invalid_argument("a weight file begins with " + std::string(kMagic) +
                                "; this one does not");
    BUNCH_ASSIGN_OR_RETURN(const std::uint32_t count, reader.number("the number of layers"));
    if (count == 0 || count > kMaxLayers)
        return reader.problem("has " + std::to_string(count) + " layers announced; 1 to " +
                              std::to_string(kMaxLayers) + " are possible");
    BUNCH_ASSIGN_OR_RETURN(const FixedFormat input, reader.format("inputs"));
    BUNCH_ASSIGN_OR_RETURN(const auto padding, reader.take(3, "the header"));
    for (const std::byte byte : padding)
        if (byte != std::byte{0}) return reader.problem("has a header that does not end in zeros");
    std::vector<DenseLayer> layers;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto layer = read_layer(reader);
        if (!layer.ok()) return layer.status().with_context("layer " + std::to_string(i + 1));
        layers.push_back(std::move(layer).value());
    }
    if (!reader.at_end()) return reader.problem("should end, but goes on");
    return DenseStack::make(input, std::move(layers));
}

std::vector<std::byte> write_dense_stack(const DenseStack& stack) {
    std::vector<std::byte> bytes;
    for (const char letter : kMagic) bytes.push_back(static_cast<std::byte>(letter));
    append(bytes, static_cast<std::int64_t>(stack.layers().size()));
    append(bytes, stack.input_format());
    bytes.resize(bytes.size() + 3);
    for (const DenseLayer& layer : stack.layers()) {
        append(bytes, std::int64_t{layer.inputs});
        append(bytes, std::int64_t{layer.outputs});
        append(bytes, layer.weight_format);
        append(bytes, layer.bias_format);
        append(bytes, layer.output_format);
        bytes.push_back(static_cast<std::byte>(layer.activation));
        for (const auto* numbers : {&layer.weights, &layer.biases, &layer.table})
            for (const std::int64_t number : *numbers) append(bytes, number);
    }
    return bytes;
}

}  // namespace bunch::fixed_point
