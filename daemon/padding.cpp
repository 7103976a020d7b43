#include "daemon/padding.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "core/check.h"

namespace bunch {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;  // far above any limit

std::string quoted(const std::string& name) {
    return "'" + name + "'";
}

bool is_named(const TensorSpec& tensor, std::size_t axis, const std::string& dimension) {
    return axis < tensor.dimensions.size() && tensor.shape[axis] == kAnyExtent &&
           tensor.dimensions[axis] == dimension;
}

/// "'P', 'V'": names of open extents of the inputs beside the rows.
std::string dimensions_of(const ModelSignature& signature) {
    std::set<std::string> names;
    for (const TensorSpec& input : signature.inputs)
        for (std::size_t axis = 1; axis < input.dimensions.size(); ++axis)
            if (input.shape[axis] == kAnyExtent && !input.dimensions[axis].empty())
                names.insert(quoted(input.dimensions[axis]));
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list.empty() ? "none" : list;
}

Result<std::size_t> find_input(const ModelSignature& signature, const std::string& name,
                               const char* what) {
    for (std::size_t i = 0; i < signature.inputs.size(); ++i)
        if (signature.inputs[i].name == name) return i;
    return invalid_argument("padding: the model has no input " + quoted(name) + " for the " + what);
}

/// A mask has the dimension once, and besides only the rows open.
Status check_mask(const TensorSpec& input, const std::string& dimension) {
    std::size_t found = 0;
    std::size_t open = 0;
    for (std::size_t axis = 1; axis < input.shape.rank(); ++axis) {
        open += input.shape[axis] == kAnyExtent ? 1 : 0;
        found += is_named(input, axis, dimension) ? 1 : 0;
    }
    if (found == 1 && open == 1) return ok_status();
    return invalid_argument("padding: the mask " + quoted(input.name) + " has shape " +
                            input.shape.to_string() + ", where beside the rows only " +
                            quoted(dimension) + " may be open, and once");
}

/// Lengths are one integer for each row.
Status check_length(const TensorSpec& input) {
    const bool is_integer = input.type >= DataType::u8 && input.type <= DataType::i64;
    if (is_integer && input.shape.rank() > 0 && input.shape.elements_per_row() == 1)
        return ok_status();
    return invalid_argument("padding: the length " + quoted(input.name) + " is " +
                            std::string(name_of(input.type)) + " of shape " +
                            input.shape.to_string() + ", which is not one integer per row");
}

void fill(Tensor& tensor, double value) {
    tensor.buffer = Buffer::allocate(byte_size(tensor.type, tensor.shape).value_or(0));
    const auto element = element_of(tensor.type, value);
    BUNCH_CHECK(element);
    const std::size_t bytes = size_of(tensor.type);
    const auto to = tensor.buffer.bytes();
    for (std::size_t at = 0; at < to.size(); at += bytes)
        std::copy_n(element->begin(), bytes, to.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Whether bit `input` is set.
bool has(std::uint64_t bits, std::optional<std::size_t> input) {
    return input && (bits >> *input & 1) != 0;
}

}  // namespace

Result<Padding> Padding::make(const std::vector<PaddedDimension>& wanted,
                              const ModelSignature& signature) {
    Padding made;
    if (wanted.empty()) return made;
    if (!signature.batched)
        return invalid_argument(
            "padding is for models whose requests may share batches, and rows of this one may not "
            "(a CPU device's log says why; otherwise batched = false does)");
    made.inputs_ = signature.inputs;
    made.values_.resize(signature.inputs.size());
    for (const PaddedDimension& rule : wanted) BUNCH_RETURN_IF_ERROR(made.add(rule, signature));
    for (const Dimension& dimension : made.dimensions_)
        BUNCH_RETURN_IF_ERROR(made.set_value(dimension, signature));
    made.look_for_other_open_extents(signature);
    return made;
}

Status Padding::add(const PaddedDimension& rule, const ModelSignature& signature) {
    Dimension added;
    added.rule = rule;
    if (!rule.mask.empty()) {
        BUNCH_ASSIGN_OR_RETURN(added.mask, find_input(signature, rule.mask, "mask"));
        BUNCH_RETURN_IF_ERROR(check_mask(signature.inputs[*added.mask], rule.dimension));
        made_inputs_ |= std::uint64_t{1} << *added.mask;
    }
    if (!rule.length.empty()) {
        BUNCH_ASSIGN_OR_RETURN(added.length, find_input(signature, rule.length, "length"));
        BUNCH_RETURN_IF_ERROR(check_length(signature.inputs[*added.length]));
        made_inputs_ |= std::uint64_t{1} << *added.length;
    }
    for (const bool masks : {false, true})
        for (std::size_t i = 0; i < signature.inputs.size(); ++i)
            for (std::size_t axis = 0; axis < signature.inputs[i].shape.rank(); ++axis)
                if (masks == (added.mask == i) &&
                    is_named(signature.inputs[i], axis, rule.dimension))
                    added.inputs.push_back({i, axis});
    if (added.inputs.empty() || added.mask == added.inputs.front().tensor)
        return invalid_argument("padding: no input has an open extent called " +
                                quoted(rule.dimension) +
                                ", beside a mask (there are: " + dimensions_of(signature) + ")");
    for (const Place& place : added.inputs)
        if (place.axis == 0)
            return invalid_argument("padding: " + quoted(rule.dimension) + " counts the rows of " +
                                    quoted(signature.inputs[place.tensor].name));
    for (std::size_t i = 0; i < signature.outputs.size(); ++i)
        for (std::size_t axis = 1; axis < signature.outputs[i].shape.rank(); ++axis)
            if (is_named(signature.outputs[i], axis, rule.dimension))
                added.outputs.push_back({i, axis});
    cuts_outputs_ = cuts_outputs_ || !added.outputs.empty();
    dimensions_.push_back(std::move(added));
    return ok_status();
}

/// Masks stay 0 where they are padded.
Status Padding::set_value(const Dimension& dimension, const ModelSignature& signature) {
    for (const Place& place : dimension.inputs) {
        if ((made_inputs_ >> place.tensor & 1) != 0) continue;
        const TensorSpec& input = signature.inputs[place.tensor];
        const auto value = element_of(input.type, dimension.rule.value);
        if (!value)
            return invalid_argument("padding: the value of " + quoted(dimension.rule.dimension) +
                                    " is none that input " + quoted(input.name) + " of type " +
                                    std::string(name_of(input.type)) +
                                    " can be padded with (16-bit floats take 0 and 1)");
        for (const Dimension& other : dimensions_)
            for (const Place& there : other.inputs)
                if (there.tensor == place.tensor && other.rule.value != dimension.rule.value)
                    return invalid_argument("padding: input " + quoted(input.name) +
                                            " would be padded with two values (give " +
                                            quoted(dimension.rule.dimension) + " and " +
                                            quoted(other.rule.dimension) + " the same)");
        values_[place.tensor] = *value;
    }
    return ok_status();
}

void Padding::look_for_other_open_extents(const ModelSignature& signature) {
    is_complete_ = true;
    for (const TensorSpec& input : signature.inputs)
        for (std::size_t axis = 1; axis < input.shape.rank(); ++axis) {
            const auto pads_it = [&](const Dimension& dimension) {
                return is_named(input, axis, dimension.rule.dimension);
            };
            if (input.shape[axis] == kAnyExtent &&
                std::none_of(dimensions_.begin(), dimensions_.end(), pads_it))
                is_complete_ = false;
        }
}

Result<std::int64_t> Padding::length_of(const Dimension& dimension,
                                        const std::vector<Tensor>& inputs,
                                        std::uint64_t left_out) const {
    const Place& first = dimension.inputs.front();
    const std::int64_t length = inputs[first.tensor].shape[first.axis];
    for (const Place& place : dimension.inputs) {
        if ((left_out >> place.tensor & 1) != 0) continue;
        const std::int64_t other = inputs[place.tensor].shape[place.axis];
        if (other == length) continue;
        return invalid_argument("inputs " + quoted(inputs_[first.tensor].name) + " and " +
                                quoted(inputs_[place.tensor].name) + " disagree about " +
                                quoted(dimension.rule.dimension) + ": " + std::to_string(length) +
                                " and " + std::to_string(other));
    }
    const std::uint32_t longest = dimension.rule.buckets.back();
    if (length <= std::int64_t{longest}) return length;
    return invalid_argument("input " + quoted(inputs_[first.tensor].name) + " has " +
                            std::to_string(length) + " of " + quoted(dimension.rule.dimension) +
                            ", the largest padding bucket is " + std::to_string(longest) +
                            " (send less; or have the operator add a bucket)");
}

Result<std::uint64_t> Padding::shape_inputs(std::uint64_t left_out, std::uint32_t rows,
                                            std::vector<Tensor>& inputs) const {
    for (const Dimension& dimension : dimensions_) {
        const bool makes_mask = has(left_out, dimension.mask);
        const bool makes_length = has(left_out, dimension.length);
        if (!makes_mask && !makes_length) continue;
        BUNCH_ASSIGN_OR_RETURN(const std::int64_t length, length_of(dimension, inputs, left_out));
        if (makes_mask) {
            const TensorSpec& mask = inputs_[*dimension.mask];
            Shape shape = mask.shape.with_rows(rows);
            for (const Place& place : dimension.inputs)
                if (place.tensor == *dimension.mask) shape.set(place.axis, length);
            inputs[*dimension.mask] = {mask.type, shape, {}};
        }
        if (makes_length) {
            const TensorSpec& spec = inputs_[*dimension.length];
            if (!element_of(spec.type, static_cast<double>(length)))
                return invalid_argument("the length " + std::to_string(length) + " of " +
                                        quoted(dimension.rule.dimension) + " is more than input " +
                                        quoted(spec.name) + " of type " +
                                        std::string(name_of(spec.type)) + " can say");
            inputs[*dimension.length] = {spec.type, spec.shape.with_rows(rows), {}};
        }
    }
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!has(left_out, i)) continue;
        const auto bytes = byte_size(inputs[i].type, inputs[i].shape);
        if (!bytes || *bytes > kMostBytes - all)
            return invalid_argument("input " + quoted(inputs_[i].name) + " would be too large");
        all += *bytes;
    }
    return all;
}

void Padding::fill_inputs(std::uint64_t left_out, std::vector<Tensor>& inputs) const {
    for (const Dimension& dimension : dimensions_) {
        const Place& first = dimension.inputs.front();
        if (has(left_out, dimension.mask)) fill(inputs[*dimension.mask], 1);
        if (has(left_out, dimension.length))
            fill(inputs[*dimension.length],
                 static_cast<double>(inputs[first.tensor].shape[first.axis]));
    }
}

Result<ShapeClass> Padding::fit(const std::vector<Tensor>& inputs,
                                std::vector<Shape>& shapes) const {
    shapes.clear();
    for (const Tensor& input : inputs) shapes.push_back(input.shape);
    std::size_t number = 0;
    for (const Dimension& dimension : dimensions_) {
        BUNCH_ASSIGN_OR_RETURN(const std::int64_t length, length_of(dimension, inputs, 0));
        const std::vector<std::uint32_t>& buckets = dimension.rule.buckets;
        const auto bucket = std::lower_bound(buckets.begin(), buckets.end(), length);
        for (const Place& place : dimension.inputs)
            shapes[place.tensor].set(place.axis, std::int64_t{*bucket});
        number = number * buckets.size() + static_cast<std::size_t>(bucket - buckets.begin());
    }
    return is_complete_ ? static_cast<ShapeClass>(number + 1) : ShapeClass{0};
}

Shape Padding::cut(std::size_t i, const Shape& made, const std::vector<Tensor>& inputs) const {
    Shape shape = made;
    for (const Dimension& dimension : dimensions_) {
        const Place& own = dimension.inputs.front();
        for (const Place& place : dimension.outputs)
            if (place.tensor == i)
                shape.set(place.axis,
                          std::min(made[place.axis], inputs[own.tensor].shape[own.axis]));
    }
    return shape;
}

}  // namespace bunch
