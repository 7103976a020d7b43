#include "bench/simulation/scenario_fields.h"

#include <array>
#include <utility>

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestName = 64;
constexpr std::uint32_t kMostRows = 1u << 20;
constexpr Duration kLongest = 24h;

template <typename>
struct MemberOf;
template <typename Owner, typename Value>
struct MemberOf<Value Owner::*> {
    using type = Owner;
};
template <auto member>
using OwnerOf = typename MemberOf<decltype(member)>::type;

/// Limits, inclusive. A reference to one can be a template's argument, a number with a point
/// cannot.
struct Range {
    double least;
    double most;
};
constexpr Range kPart{0, 1};
constexpr Range kSigma{0, 2};
constexpr Range kWarmUp{0, 0.9};
constexpr Range kFactor{0.001, 1000};
constexpr Range kContention{0, 100};
constexpr Range kMix{0, 1e9};
constexpr Range kWeight{1e-6, 1e6};
constexpr Range kTenantLoad{0, 1000};
constexpr Range kFigure{0, 1e9};
constexpr Range kRows{0, 1e12};

template <auto member, const Range& range>
void number(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_number(problems, entry, range.least, range.most, to.*member);
}
template <auto member, const Range& range>
void maybe_number(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    double value = range.least - 1;  // stays where there is a problem
    read_number(problems, entry, range.least, range.most, value);
    if (value >= range.least) to.*member = value;
}
template <auto member, std::uint32_t least, std::uint32_t most>
void count(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_count(problems, entry, least, most, to.*member);
}
template <auto member>
void text(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_text(problems, entry, to.*member);
}
template <auto member>
void name(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_name(problems, entry, kLongestName, to.*member);
}
template <auto member>
void flag(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_flag(problems, entry, to.*member);
}
template <auto member, std::int64_t least = 0>
void span(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_duration(problems, entry, Duration(least), kLongest, to.*member);
}
/// As span(), for what is calculated with in seconds.
template <auto member>
void seconds(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    Duration value{};
    read_duration(problems, entry, 0ns, kLongest, value);
    to.*member = to_seconds(value);
}
void read_model_name(Problems& problems, const Entry& entry, ModelName& to) {
    read_name(problems, entry, kLongestName, to.name);
    to.node = entry.value;
}
template <auto member>
void model_name(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_model_name(problems, entry, to.*member);
}

template <typename T>
void read_tables(Problems& problems, const Entry& entry, const char* wanted,
                 std::span<const Field<T>> fields, std::vector<T>& to) {
    if (!expect(problems, entry, Node::Kind::list, wanted)) return;
    for (const Node& item : entry.value.items) {
        if (!expect(problems, {entry.key, item}, Node::Kind::table, wanted)) return;
        read_table(problems, item, fields, to.emplace_back());
    }
}

void require(Problems& problems, const Node& table, const std::string& what, const char* key,
             const char* example) {
    for (const Entry& entry : table.entries)
        if (entry.key == key) return;
    problems.add(table.line, what + " has no " + key + " (write " + key + " = " + example + ")");
}

constexpr std::array kCurve = {
    Field<WrittenCurve>{"model", model_name<&WrittenCurve::model>},
    Field<WrittenCurve>{"fixed",
                        [](Problems& problems, const Entry& entry, WrittenCurve& to) {
                            seconds<&Curve::fixed>(problems, entry, to.curve);
                        }},
    Field<WrittenCurve>{"per_row",
                        [](Problems& problems, const Entry& entry, WrittenCurve& to) {
                            seconds<&Curve::per_row>(problems, entry, to.curve);
                        }},
    Field<WrittenCurve>{"contention",
                        [](Problems& problems, const Entry& entry, WrittenCurve& to) {
                            number<&Curve::contention, kContention>(problems, entry, to.curve);
                        }},
    Field<WrittenCurve>{"rows",
                        [](Problems& problems, const Entry& entry, WrittenCurve& to) {
                            count<&Curve::max_rows, 1, kMostRows>(problems, entry, to.curve);
                        }},
};

void runs(Problems& problems, const Entry& entry, WrittenClass& to) {
    constexpr const char* kWanted =
        R"(a list of tables: [{model = "A", fixed = "1ms", per_row = "20us", rows = 64}])";
    read_tables<WrittenCurve>(problems, entry, kWanted, kCurve, to.curves);
    if (entry.value.kind != Node::Kind::list) return;
    for (const Node& item : entry.value.items) {
        if (item.kind != Node::Kind::table) continue;
        require(problems, item, "this curve", "model", "\"A\"");
        require(problems, item, "this curve", "per_row", "\"20us\"");
        require(problems, item, "this curve", "rows", "64");
    }
}

void holds(Problems& problems, const Entry& entry, WrittenClass& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of model names, one per device")) return;
    for (const Node& item : entry.value.items)
        read_model_name(problems, {entry.key, item}, to.holds.emplace_back());
}

constexpr std::array kChange = {
    Field<SpeedChange>{"at", span<&SpeedChange::at>},
    Field<SpeedChange>{"factor", number<&SpeedChange::factor, kFactor>},
};

constexpr std::array kOutage = {
    Field<Outage>{"device", count<&Outage::device, 0, 65535>},
    Field<Outage>{"from", span<&Outage::from>},
    Field<Outage>{"until", span<&Outage::until>},
};

void changes(Problems& problems, const Entry& entry, WrittenClass& to) {
    read_tables<SpeedChange>(problems, entry, R"(a list: [{at = "1s", factor = 1.5}])", kChange,
                             to.one.changes);
}
void outages(Problems& problems, const Entry& entry, WrittenClass& to) {
    read_tables<Outage>(problems, entry, R"(a list: [{device = 0, from = "1s", until = "2s"}])",
                        kOutage, to.one.outages);
}

/// A field of DeviceClass within WrittenClass.
template <void (*read)(Problems&, const Entry&, DeviceClass&)>
void of_class(Problems& problems, const Entry& entry, WrittenClass& to) {
    read(problems, entry, to.one);
}

constexpr std::array kClass = {
    Field<WrittenClass>{"name", of_class<name<&DeviceClass::name>>},
    Field<WrittenClass>{"devices", of_class<count<&DeviceClass::devices, 1, 4096>>},
    Field<WrittenClass>{"lanes", of_class<count<&DeviceClass::lanes, 1, 256>>},
    Field<WrittenClass>{"slots", of_class<count<&DeviceClass::slots, 1, 64>>},
    Field<WrittenClass>{"noise", of_class<number<&DeviceClass::noise, kSigma>>},
    Field<WrittenClass>{"gather_per_row", of_class<span<&DeviceClass::gather_per_row>>},
    Field<WrittenClass>{"transfer_per_row", of_class<span<&DeviceClass::transfer_per_row>>},
    Field<WrittenClass>{"stall_probability",
                        of_class<number<&DeviceClass::stall_probability, kPart>>},
    Field<WrittenClass>{"stall_time", of_class<span<&DeviceClass::stall_time>>},
    Field<WrittenClass>{"changes", changes},
    Field<WrittenClass>{"outages", outages},
    Field<WrittenClass>{"mean_time_between_failures",
                        of_class<span<&DeviceClass::mean_time_between_failures, 1'000'000>>},
    Field<WrittenClass>{"repair_time", of_class<span<&DeviceClass::repair_time>>},
    Field<WrittenClass>{"reconfiguration", of_class<span<&DeviceClass::reconfiguration, 1>>},
    Field<WrittenClass>{"holds", holds},
    Field<WrittenClass>{"runs", runs},
};

void objective(Problems& problems, const Entry& entry, SimulatedModel& to) {
    Duration value{};
    read_duration(problems, entry, 1us, kLongest, value);
    if (value > Duration::zero()) to.objective = value;
}

/// One of a few words.
template <typename Value, std::size_t n>
void read_word(Problems& problems, const Entry& entry, const char* wanted,
               const std::array<std::pair<std::string_view, Value>, n>& words, Value& to) {
    if (!expect(problems, entry, Node::Kind::text, wanted)) return;
    for (const auto& [word, value] : words) {
        if (entry.value.text != word) continue;
        to = value;
        return;
    }
    problems.add(entry, std::string("is unknown (write ") + wanted + ")");
}

void burst_lengths(Problems& problems, const Entry& entry, SimulatedModel& to) {
    constexpr std::array<std::pair<std::string_view, bool>, 2> kWords = {
        {{"exponential", false}, {"fixed", true}}};
    read_word(problems, entry, R"("exponential" or "fixed")", kWords, to.fixed_bursts);
}

constexpr std::array kModel = {
    Field<SimulatedModel>{"name", name<&SimulatedModel::name>},
    Field<SimulatedModel>{"objective", objective},
    Field<SimulatedModel>{"rows", count<&SimulatedModel::rows, 1, kMostRows>},
    Field<SimulatedModel>{"mix", number<&SimulatedModel::mix, kMix>},
    Field<SimulatedModel>{"on", span<&SimulatedModel::on>},
    Field<SimulatedModel>{"off", span<&SimulatedModel::off>},
    Field<SimulatedModel>{"burst_lengths", burst_lengths},
    Field<SimulatedModel>{"max_queued_rows", count<&SimulatedModel::max_queued_rows, 1, 1u << 30>},
};

constexpr std::array kTenant = {
    Field<SimulatedTenant>{"name", name<&SimulatedTenant::name>},
    Field<SimulatedTenant>{"weight", number<&SimulatedTenant::weight, kWeight>},
    Field<SimulatedTenant>{"load", number<&SimulatedTenant::load, kTenantLoad>},
    Field<SimulatedTenant>{"floods", flag<&SimulatedTenant::floods>},
    Field<SimulatedTenant>{"rows_per_second", number<&SimulatedTenant::rows_per_second, kRows>},
    Field<SimulatedTenant>{"burst_rows", number<&SimulatedTenant::burst_rows, kRows>},
};

constexpr std::array kStep = {
    Field<WrittenStep>{"think",
                       [](Problems& problems, const Entry& entry, WrittenStep& to) {
                           span<&Step::think>(problems, entry, to.step);
                       }},
    Field<WrittenStep>{"model", model_name<&WrittenStep::model>},
};

constexpr std::array kFarm = {
    Field<WrittenFarm>{"clients",
                       [](Problems& problems, const Entry& entry, WrittenFarm& to) {
                           count<&Farm::clients, 1, 1u << 20>(problems, entry, to.farm);
                       }},
    Field<WrittenFarm>{"think_noise",
                       [](Problems& problems, const Entry& entry, WrittenFarm& to) {
                           number<&Farm::think_noise, kSigma>(problems, entry, to.farm);
                       }},
    Field<WrittenFarm>{"steps",
                       [](Problems& problems, const Entry& entry, WrittenFarm& to) {
                           read_tables<WrittenStep>(problems, entry,
                                                    R"(a list: [{think = "3ms", model = "A"}])",
                                                    kStep, to.steps);
                       }},
};

void clients(Problems& problems, const Entry& entry, WrittenCase& to) {
    std::uint32_t value = 0;
    read_count(problems, entry, 1, 1u << 20, value);
    if (value > 0) to.clients = value;
}

void tenant_loads(Problems& problems, const Entry& entry, WrittenCase& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of numbers, one per tenant")) return;
    for (const Node& item : entry.value.items)
        read_number(problems, {entry.key, item}, 0, 1000, to.tenant_loads.emplace_back());
}

constexpr std::array kCase = {
    Field<WrittenCase>{"name", text<&WrittenCase::name>},
    Field<WrittenCase>{"beat", maybe_number<&WrittenCase::beat, kFigure>},
    Field<WrittenCase>{"load", maybe_number<&WrittenCase::load, kFactor>},
    Field<WrittenCase>{"clients", clients},
    Field<WrittenCase>{"tenant_loads", tenant_loads},
};

void measure(Problems& problems, const Entry& entry, Scenario& to) {
    std::array<std::pair<std::string_view, Measure>, 5> words;
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = {name_of(static_cast<Measure>(i)), static_cast<Measure>(i)};
    read_word(problems, entry, R"("goodput", "kept", "latency", "tenants" or "events")", words,
              to.measure);
}

void bound(Problems& problems, const Entry& entry, Scenario& to) {
    constexpr std::array<std::pair<std::string_view, BoundKind>, 3> kWords = {
        {{"programme", BoundKind::programme},
         {"uncrowded", BoundKind::uncrowded},
         {"lockstep", BoundKind::lockstep}}};
    read_word(problems, entry, R"("programme", "uncrowded" or "lockstep")", kWords, to.bound);
}

void swaps(Problems& problems, const Entry& entry, Scenario& to) {
    std::uint32_t value = 0;
    read_count(problems, entry, 0, 1u << 20, value);
    to.swaps = value;
}

constexpr std::array kScenario = {
    Field<Scenario>{"name", name<&Scenario::name>},
    Field<Scenario>{"title", text<&Scenario::title>},
    Field<Scenario>{"measure", measure},
    Field<Scenario>{"span", span<&Scenario::span, 1'000'000>},
    Field<Scenario>{"warm_up", number<&Scenario::warm_up, kWarmUp>},
    Field<Scenario>{"load", number<&Scenario::load, kFactor>},
    Field<Scenario>{"beat", maybe_number<&Scenario::beat, kFigure>},
    Field<Scenario>{"deadlines", flag<&Scenario::deadlines>},
    Field<Scenario>{"bound", bound},
    Field<Scenario>{"swaps", swaps},
};

void read_sections(Problems& problems, const Entry& entry, WrittenScenario& to) {
    const std::string wanted = "sections: [[" + entry.key + "]]";
    if (entry.key == "class") {
        read_tables<WrittenClass>(problems, entry, wanted.c_str(), kClass, to.classes);
    } else if (entry.key == "model") {
        read_tables<SimulatedModel>(problems, entry, wanted.c_str(), kModel, to.scenario.models);
    } else if (entry.key == "tenant") {
        read_tables<SimulatedTenant>(problems, entry, wanted.c_str(), kTenant, to.scenario.tenants);
    } else if (entry.key == "case") {
        read_tables<WrittenCase>(problems, entry, wanted.c_str(), kCase, to.cases);
    } else if (expect(problems, entry, Node::Kind::table, "a section: [farm]")) {
        read_table<WrittenFarm>(problems, entry.value, kFarm, to.farm.emplace());
    }
}

template <typename T, std::size_t n>
void append_keys(const std::string& section, const std::array<Field<T>, n>& fields,
                 std::vector<std::string>& keys) {
    for (const Field<T>& field : fields) keys.push_back(section + std::string(field.key));
}

}  // namespace

std::vector<std::string> scenario_keys() {
    std::vector<std::string> keys;
    append_keys("", kScenario, keys);
    append_keys("model.", kModel, keys);
    append_keys("class.", kClass, keys);
    append_keys("class.runs.", kCurve, keys);
    append_keys("class.changes.", kChange, keys);
    append_keys("class.outages.", kOutage, keys);
    append_keys("farm.", kFarm, keys);
    append_keys("farm.steps.", kStep, keys);
    append_keys("tenant.", kTenant, keys);
    append_keys("case.", kCase, keys);
    return keys;
}

WrittenScenario read_scenario(Problems& problems, const Node& document) {
    constexpr std::array<std::string_view, 5> kSections = {"class", "model", "tenant", "case",
                                                           "farm"};
    WrittenScenario to;
    Node head;
    head.kind = Node::Kind::table;
    for (const Entry& entry : document.entries) {
        bool is_section = false;
        for (const std::string_view section : kSections) is_section |= entry.key == section;
        if (is_section) {
            read_sections(problems, entry, to);
        } else {
            head.entries.push_back(entry);
        }
    }
    read_table<Scenario>(problems, head, kScenario, to.scenario);
    return to;
}

}  // namespace bunch::simulation
