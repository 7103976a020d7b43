#include "cli/bench_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <random>
#include <sstream>

namespace bunch {
namespace {

template <typename Tensors>
Status add_specs(const Tensors& tensors, std::string_view what, std::vector<TensorSpec>& specs) {
    for (const auto& tensor : tensors) {
        const auto type = data_type_named(tensor.datatype());
        const auto shape =
            Shape::from({tensor.shape().data(), static_cast<std::size_t>(tensor.shape_size())});
        if (!type || !shape) {
            return unimplemented(std::string(what) + " '" + tensor.name() + "' is " +
                                 tensor.datatype() + " of rank " +
                                 std::to_string(tensor.shape_size()) + ", which bench cannot make");
        }
        specs.push_back({tensor.name(), *type, *shape});
    }
    return {};
}

template <typename T, typename Draw>
void fill(std::span<std::byte> bytes, Draw draw) {
    for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
        const auto value = static_cast<T>(draw());
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
}

void fill_randomly(DataType type, std::span<std::byte> bytes, std::mt19937_64& random) {
    const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-52 - 1.0; };
    const auto small = [&] { return random() % 16; };
    switch (type) {
        case DataType::f32:
            return fill<float>(bytes, uniform);
        case DataType::f64:
            return fill<double>(bytes, uniform);
        case DataType::boolean:
            return fill<std::uint8_t>(bytes, [&] { return random() % 2; });
        case DataType::f16:  // numbers from 1 to 2: exponent 15, any mantissa
            return fill<std::uint16_t>(bytes, [&] { return 0x3c00 | (random() & 0x3ff); });
        case DataType::bf16:  // the same
            return fill<std::uint16_t>(bytes, [&] { return 0x3f80 | (random() & 0x7f); });
        default:
            break;
    }
    switch (size_of(type)) {
        case 1:
            return fill<std::uint8_t>(bytes, small);
        case 2:
            return fill<std::uint16_t>(bytes, small);
        case 4:
            return fill<std::uint32_t>(bytes, small);
        default:
            return fill<std::uint64_t>(bytes, small);
    }
}

template <typename T>
bool are_close(std::span<const std::byte> a, std::span<const std::byte> b, double tolerance) {
    double largest = 0;
    double difference = 0;
    for (std::size_t at = 0; at + sizeof(T) <= a.size(); at += sizeof(T)) {
        T left{};
        T right{};
        std::memcpy(&left, a.data() + at, sizeof left);
        std::memcpy(&right, b.data() + at, sizeof right);
        if (!std::isfinite(left) || !std::isfinite(right)) return false;
        largest = std::max(largest, std::abs(static_cast<double>(left)));
        difference =
            std::max(difference, std::abs(static_cast<double>(left) - static_cast<double>(right)));
    }
    return difference <= tolerance * std::max(largest, 1e-30);
}

bool is_same(const NamedTensor& a, const NamedTensor& b, double tolerance) {
    if (a.name != b.name || a.type != b.type || a.shape != b.shape) return false;
    const auto left = a.buffer.bytes();
    const auto right = b.buffer.bytes();
    if (std::equal(left.begin(), left.end(), right.begin(), right.end())) return true;
    if (a.type == DataType::f32) return are_close<float>(left, right, tolerance);
    if (a.type == DataType::f64) return are_close<double>(left, right, tolerance);
    return false;
}

bool is_echo(const NamedTensor& output, const Request& request) {
    // A large input may be gone: ZeroMQ still holds it.
    if (output.name != "echo" || request.inputs.empty()) return true;
    const auto sent = std::as_const(request.inputs[0].buffer).bytes();
    const auto back = output.buffer.bytes();
    return sent.empty() || std::equal(sent.begin(), sent.end(), back.begin(), back.end());
}

/// One to nine digits and nothing else.
std::optional<std::int64_t> number_of(const std::string& digits) {
    if (digits.empty() || digits.size() > 9 ||
        digits.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    return std::stoll(digits);
}

}  // namespace

Result<BenchLengths::Range> parse_lengths(const std::string& text) {
    BenchLengths::Range range;
    const std::size_t equals = text.find('=');
    const std::string lengths = equals == std::string::npos ? "" : text.substr(equals + 1);
    const std::size_t dots = lengths.find("..");
    const auto least = number_of(lengths.substr(0, dots));
    const auto most = dots == std::string::npos ? least : number_of(lengths.substr(dots + 2));
    if (least && most) {
        range.least = *least;
        range.most = *most;
        std::istringstream names(text.substr(0, equals));
        for (std::string name; std::getline(names, name, ',');) range.inputs.push_back(name);
    }
    if (range.inputs.empty() || range.least > range.most)
        return invalid_argument("--length " + text +
                                " is no range of lengths (write particles=8..50)");
    return range;
}

namespace {

/// The inputs that are named somewhere have to be there.
Status check_names(const ModelSignature& signature, const BenchLengths& lengths) {
    std::vector<std::string> names = lengths.without;
    for (const BenchLengths::Range& range : lengths.ranges)
        names.insert(names.end(), range.inputs.begin(), range.inputs.end());
    for (const std::string& name : names)
        if (std::none_of(signature.inputs.begin(), signature.inputs.end(),
                         [&](const TensorSpec& input) { return input.name == name; }))
            return invalid_argument("the model has no input '" + name + "' (--length, --without)");
    return ok_status();
}

}  // namespace

ModelSignature with_lengths(const ModelSignature& signature, const BenchLengths& lengths,
                            std::uint64_t seed) {
    std::mt19937_64 random(seed ^ 0x6c656e67746873);
    ModelSignature made = signature;
    for (const BenchLengths::Range& range : lengths.ranges) {
        const auto choices = static_cast<std::uint64_t>(range.most - range.least + 1);
        const auto length = range.least + static_cast<std::int64_t>(random() % choices);
        for (TensorSpec& input : made.inputs) {
            if (std::find(range.inputs.begin(), range.inputs.end(), input.name) ==
                range.inputs.end())
                continue;
            for (std::size_t i = made.batched ? 1 : 0; i < input.shape.rank(); ++i)
                if (input.shape[i] == kAnyExtent) input.shape.set(i, length);
        }
    }
    return made;
}

Result<ModelSignature> signature_of(const inference::ModelMetadataResponse& metadata,
                                    const BenchLengths& lengths) {
    ModelSignature signature;
    BUNCH_RETURN_IF_ERROR(add_specs(metadata.inputs(), "input", signature.inputs));
    BUNCH_RETURN_IF_ERROR(add_specs(metadata.outputs(), "output", signature.outputs));
    signature.batched = !signature.inputs.empty();
    for (const TensorSpec& input : signature.inputs) {
        signature.batched =
            signature.batched && input.shape.rank() > 0 && input.shape[0] == kAnyExtent;
    }
    BUNCH_RETURN_IF_ERROR(check_names(signature, lengths));
    std::erase_if(signature.inputs, [&](const TensorSpec& input) {
        return std::find(lengths.without.begin(), lengths.without.end(), input.name) !=
               lengths.without.end();
    });
    if (!row_bytes(with_lengths(signature, lengths, 0).inputs, signature.batched)) {
        return invalid_argument("model '" + metadata.name() +
                                "' has an input with open extents beside its rows (say how long "
                                "requests are: --length NAME=8..50)");
    }
    return signature;
}

Request random_request(const std::string& model, const ModelSignature& signature,
                       std::uint32_t rows, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Request request;
    request.model = model;
    for (const TensorSpec& spec : signature.inputs) {
        NamedTensor input;
        input.name = spec.name;
        input.type = spec.type;
        input.shape = signature.batched ? spec.shape.with_rows(rows) : spec.shape;
        input.buffer = Buffer::allocate(byte_size(input.type, input.shape).value_or(0));
        fill_randomly(input.type, input.buffer.bytes(), random);
        request.inputs.push_back(std::move(input));
    }
    return request;
}

bool AnswerCheck::is_right(const Response& response, double tolerance) {
    if (!std::all_of(response.outputs.begin(), response.outputs.end(),
                     [&](const NamedTensor& output) { return is_echo(output, response.request); }))
        return false;
    if (first_.empty()) {
        for (const NamedTensor& output : response.outputs)
            first_.push_back(
                {output.name, output.type, output.shape, Buffer::copy_of(output.buffer.bytes())});
        return true;
    }
    return std::equal(
        first_.begin(), first_.end(), response.outputs.begin(), response.outputs.end(),
        [&](const NamedTensor& a, const NamedTensor& b) { return is_same(a, b, tolerance); });
}

}  // namespace bunch
