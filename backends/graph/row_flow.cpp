#include "backends/graph/row_flow.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "backends/graph/row_rules.h"

namespace bunch {
namespace {

using Kind = RowUse::Kind;

class Flow {
  public:
    Flow(const OperatorGraph& graph, const RunShapes& a, const RunShapes& b)
        : graph_(graph),
          a_(a),
          b_(b),
          uses_(graph.values.size()),
          differs_(graph.values.size(), false) {}

    std::string run();

  private:
    RowUse place_of(ValueId id) const;
    RowUse output_use(const RowStep& step, std::size_t o, const RowUse& place) const;
    bool same_elements(ValueId id) const;
    bool elements_differ(const RowStep& step) const;
    void follow(const OperatorNode& node);

    const OperatorGraph& graph_;
    const RunShapes& a_;
    const RunShapes& b_;
    std::vector<RowUse> uses_;
    std::vector<bool> differs_;  // of counts: each element differs between the runs, or never does
};

// Where the rows are: the one extent that differs between the runs, in proportion to the rows.
RowUse Flow::place_of(ValueId id) const {
    const auto& a = a_.shapes[id.value];
    const auto& b = b_.shapes[id.value];
    if (!a || !b || a->rank() != b->rank()) return {Kind::mixed, 0, 1};
    RowUse use;
    for (std::size_t i = 0; i < a->rank(); ++i) {
        if ((*a)[i] == (*b)[i]) continue;
        const std::int64_t repeat = (*a)[i] / a_.rows;
        if (use.is_rows() || repeat < 1 || (*a)[i] != repeat * a_.rows ||
            (*b)[i] != repeat * b_.rows)
            return {Kind::mixed, 0, 1};
        use = {Kind::rows, static_cast<std::int64_t>(i), repeat};
    }
    return use;
}

RowUse Flow::output_use(const RowStep& step, std::size_t o, const RowUse& place) const {
    const auto has = [&](Kind kind) {
        return std::any_of(step.inputs.begin(), step.inputs.end(),
                           [kind](const RowUse& use) { return use.kind == kind; });
    };
    const std::string& type = step.node.spec.type;
    if (has(Kind::mixed) || place.kind == Kind::mixed) return {Kind::mixed, 0, 1};
    if (type == "Shape" || type == "Size")
        return {has(Kind::rows) || has(Kind::count) ? Kind::count : Kind::none, 0, 1};
    if (!has(Kind::rows) && !has(Kind::count))
        return place.is_rows() ? RowUse{Kind::mixed, 0, 1} : place;
    if (!has(Kind::rows) && !place.is_rows()) return {Kind::count, 0, 1};
    const RowRule rule = row_rule(step.node.spec);
    if (!place.is_rows() || rule == nullptr || !rule(step, o, place)) return {Kind::mixed, 0, 1};
    return place;
}

// Arithmetic on shapes that came to the same for different rows.
bool Flow::same_elements(ValueId id) const {
    return !a_.small[id.value].empty() && a_.small[id.value] == b_.small[id.value];
}

bool is_one_of(const std::string& type, std::initializer_list<std::string_view> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

// Whether each element of what the node makes either differs for different rows, or does not depend
// on them: then equal elements are extents other than the rows, and not equal by chance, as the
// half of 2 and 3 rows is.
bool Flow::elements_differ(const RowStep& step) const {
    const std::string& type = step.node.spec.type;
    if (is_one_of(type, {"Shape", "Size"})) return true;
    std::size_t counts = 0;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        if (step.inputs[i].kind != Kind::count) continue;
        if (!differs_[step.node.inputs[i]->value]) return false;
        ++counts;
    }
    if (type == "Concat") return true;
    if (counts != 1) return false;
    if (is_one_of(type, {"Add", "Sub", "Mul", "Neg"})) return true;
    const bool moves =
        is_one_of(type, {"Gather", "Slice", "Split", "Squeeze", "Unsqueeze", "Reshape", "Flatten",
                         "Identity", "Transpose"}) ||
        (type == "Cast" && step.attribute("to", 0) != static_cast<std::int64_t>(DataType::boolean));
    return moves && step.inputs[0].kind == Kind::count;
}

void Flow::follow(const OperatorNode& node) {
    std::vector<RowUse> inputs;
    std::vector<Shape> input_shapes, output_shapes;
    for (const auto& id : node.inputs) {
        inputs.push_back(id ? uses_[id->value] : RowUse());
        input_shapes.push_back(id ? a_.shapes[id->value].value_or(Shape()) : Shape());
    }
    for (const auto& id : node.outputs)
        output_shapes.push_back(id ? a_.shapes[id->value].value_or(Shape()) : Shape());
    const RowStep step{graph_, node, inputs, input_shapes, output_shapes};
    for (std::size_t o = 0; o < node.outputs.size(); ++o)
        if (const auto& id = node.outputs[o])
            uses_[id->value] = node.branches.empty() && !graph_.at(*id).shape_from_data
                                   ? output_use(step, o, place_of(*id))
                                   : RowUse{Kind::mixed, 0, 1};
    for (const auto& id : node.outputs)
        if (id && uses_[id->value].kind == Kind::count) {
            differs_[id->value] = elements_differ(step);
            if (differs_[id->value] && same_elements(*id)) uses_[id->value] = {};
        }
}

std::string Flow::run() {
    for (const OperatorInput& input : graph_.inputs) {
        uses_[input.value.value] = place_of(input.value);
        if (uses_[input.value.value] != RowUse{Kind::rows, 0, 1})
            return "input '" + graph_.at(input.value).name +
                   "' does not count rows in its first extent";
    }
    std::string culprit;
    for (const OperatorNode& node : graph_.nodes) {
        follow(node);
        for (const auto& id : node.outputs)
            if (culprit.empty() && id && uses_[id->value].kind == Kind::mixed)
                culprit = node.spec.label;
    }
    for (const ValueId id : graph_.outputs) {
        const RowUse& use = uses_[id.value];
        if (use == RowUse{Kind::rows, 0, 1}) continue;
        const std::string label = "output '" + graph_.at(id).name + "'";
        return use.kind == Kind::mixed ? label + " may mix rows, at " + culprit
                                       : label + " does not count rows in its first extent";
    }
    return "";
}

}  // namespace

std::string rows_mix(const OperatorGraph& graph, const RunShapes& a, const RunShapes& b) {
    return Flow(graph, a, b).run();
}

}  // namespace bunch
