#include "config/schema.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "config/endpoint.h"
#include "config/padding.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestName = 64;
constexpr std::uint32_t kMostRows = 1u << 20;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;
constexpr Duration kDay = 24h;

template <typename>
struct MemberOf;
template <typename Owner, typename Value>
struct MemberOf<Value Owner::*> {
    using type = Owner;
};
template <auto member>
using OwnerOf = typename MemberOf<decltype(member)>::type;

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
template <auto member, std::uint32_t least, std::uint32_t most>
void count(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_count(problems, entry, least, most, to.*member);
}
template <auto member, std::uint64_t least>
void size(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_size(problems, entry, least, kMostBytes, to.*member);
}
template <auto member>
void span(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    read_duration(problems, entry, 1us, kDay, to.*member);
}

template <auto member>
void path(Problems& problems, const Entry& entry, OwnerOf<member>& to) {
    if (entry.value.kind == Node::Kind::text && entry.value.text.empty())
        return problems.add(entry, "is empty (write a path, or leave the key out)");
    read_text(problems, entry, to.*member);
}

template <auto member>
void endpoints(Problems& problems, const Entry& entry, ServerConfig& to) {
    read_texts(problems, entry, to.*member);
    for (const Node& item : entry.value.items) {
        if (item.kind != Node::Kind::text || item.text.empty()) continue;
        if (const Status status = check_endpoint(item.text); !status.ok())
            problems.add(entry.key, item, status.message());
    }
}

void http_address(Problems& problems, const Entry& entry, ServerConfig& to) {
    read_text(problems, entry, to.http_address);
    if (entry.value.kind != Node::Kind::text || to.http_address.empty()) return;
    if (const Status status = check_address(to.http_address); !status.ok())
        problems.add(entry, status.message());
}

/// One of a few words; `find` gives the value of a word, or nothing.
template <typename Find, typename Value>
void read_word(Problems& problems, const Entry& entry, const char* words, Find find, Value& to) {
    if (!expect(problems, entry, Node::Kind::text, words)) return;
    const auto found = find(entry.value.text);
    if (!found) return problems.add(entry, std::string("is unknown (write ") + words + ")");
    to = *found;
}

void log_level(Problems& problems, const Entry& entry, LogConfig& to) {
    const auto find = [](const std::string& word) -> std::optional<std::string> {
        if (word == "debug" || word == "info" || word == "warn" || word == "error") return word;
        return std::nullopt;
    };
    read_word(problems, entry, R"("debug", "info", "warn" or "error")", find, to.level);
}

void backend(Problems& problems, const Entry& entry, DeviceConfig& to) {
    read_name(problems, entry, kLongestName, to.backend);
}

void options(Problems& problems, const Entry& entry, DeviceConfig& to) {
    if (!expect(problems, entry, Node::Kind::table, R"(a table: {key = "text"})")) return;
    for (const Entry& option : entry.value.entries) {
        switch (option.value.kind) {
            case Node::Kind::text:
                read_text(problems, option, to.options[option.key]);
                break;
            case Node::Kind::integer:
            case Node::Kind::real:
            case Node::Kind::flag:
                to.options[option.key] = option.value.text;
                break;
            default:
                problems.add(option, "is of the wrong type (write a text, a number or true)");
        }
    }
}

void objective(Problems& problems, const Entry& entry, ModelSpec& to) {
    Duration wanted{};
    read_duration(problems, entry, 1us, kDay, wanted);
    if (wanted > Duration::zero()) to.objective = wanted;
}

void precision(Problems& problems, const Entry& entry, ModelSpec& to) {
    const auto find = [](const std::string& word) { return precision_named(word); };
    read_word(problems, entry, R"("f32", "bf16" or "int8")", find, to.precision);
}

void numerics(Problems& problems, const Entry& entry, ModelSpec& to) {
    const auto find = [](const std::string& word) { return numerics_named(word); };
    read_word(problems, entry, R"("any", "same_class" or "bitwise")", find, to.numerics);
}

void batched(Problems& problems, const Entry& entry, ModelSpec& to) {
    read_flag(problems, entry, to.signature.batched);
}

void data_type(Problems& problems, const Entry& entry, TensorSpec& to) {
    const auto find = [](const std::string& word) { return data_type_named(word); };
    read_word(problems, entry, R"("FP32", "FP16", "INT64", "UINT8" and so on)", find, to.type);
}

void shape(Problems& problems, const Entry& entry, TensorSpec& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of extents: [-1, 16]")) return;
    std::vector<std::int64_t> extents;
    std::vector<std::string> names;
    bool has_names = false;
    for (const Node& item : entry.value.items) {
        const bool is_name = item.kind == Node::Kind::text && !item.text.empty();
        if (!is_name &&
            (item.kind != Node::Kind::integer || item.integer < kAnyExtent || item.integer == 0))
            return problems.add(entry.key, item,
                                "is no extent (write a number from 1, or where any is right -1 or "
                                "a name)");
        extents.push_back(is_name ? kAnyExtent : item.integer);
        names.push_back(is_name ? item.text : "");
        has_names = has_names || is_name;
    }
    const std::optional<Shape> found = Shape::from(extents);
    if (!found)
        return problems.add(entry,
                            "has too many extents (at most " + std::to_string(kMaxRank) + ")");
    to.shape = *found;
    if (has_names) to.dimensions = std::move(names);
}

void tensor_name(Problems& problems, const Entry& entry, TensorSpec& to) {
    if (entry.value.kind == Node::Kind::text && entry.value.text.empty())
        return problems.add(entry, "is empty (write the tensor's name)");
    read_text(problems, entry, to.name);
}

template <auto member>
void tensors(Problems& problems, const Entry& entry, ModelSpec& to) {
    constexpr std::string_view kWanted =
        R"(a list of tables: [{name = "x", type = "FP32", shape = [-1, 16]}])";
    if (!expect(problems, entry, Node::Kind::list, kWanted)) return;
    for (const Node& item : entry.value.items) {
        if (!expect(problems, {entry.key, item}, Node::Kind::table, kWanted)) return;
        TensorSpec tensor;
        read_table(problems, item, tensor_fields(), tensor);
        for (const Field<TensorSpec>& field : tensor_fields()) {
            const auto is_it = [&field](const Entry& given) { return given.key == field.key; };
            if (std::none_of(item.entries.begin(), item.entries.end(), is_it))
                problems.add(item.line, "a tensor of " + entry.key + " has no " +
                                            std::string(field.key) + " (write " +
                                            std::string(kWanted) + ")");
        }
        (to.signature.*member).push_back(std::move(tensor));
    }
}

constexpr std::array kServer = {
    Field<ServerConfig>{"name", name<&ServerConfig::name>},
    Field<ServerConfig>{"data_endpoints", endpoints<&ServerConfig::data_endpoints>},
    Field<ServerConfig>{"control_endpoints", endpoints<&ServerConfig::control_endpoints>},
    Field<ServerConfig>{"http_address", http_address},
    Field<ServerConfig>{"allow_remote", flag<&ServerConfig::allow_remote>},
    Field<ServerConfig>{"runner_dir", path<&ServerConfig::runner_dir>},
    Field<ServerConfig>{"state_dir", path<&ServerConfig::state_dir>},
    Field<ServerConfig>{"drain_timeout", span<&ServerConfig::drain_timeout>},
};

constexpr std::array kLimits = {
    Field<LimitsConfig>{"max_open_calls", count<&LimitsConfig::max_open_calls, 1, 1u << 24>},
    Field<LimitsConfig>{"max_open_bytes", size<&LimitsConfig::max_open_bytes, kMiB>},
    Field<LimitsConfig>{"max_frame_bytes", size<&LimitsConfig::max_frame_bytes, kKiB>},
    Field<LimitsConfig>{"max_message_bytes", size<&LimitsConfig::max_message_bytes, kKiB>},
    Field<LimitsConfig>{"max_frames_per_message",
                        count<&LimitsConfig::max_frames_per_message, 2, 4096>},
    Field<LimitsConfig>{"client_credit_bytes", size<&LimitsConfig::client_credit_bytes, kKiB>},
    Field<LimitsConfig>{"max_clients", count<&LimitsConfig::max_clients, 1, 1u << 20>},
    Field<LimitsConfig>{"gather_threads", count<&LimitsConfig::gather_threads, 0, 64>},
    Field<LimitsConfig>{"gather_inline_bytes", size<&LimitsConfig::gather_inline_bytes, 0>},
};

constexpr std::array kLog = {Field<LogConfig>{"level", log_level}};

constexpr std::array kRestart = {
    Field<RestartConfig>{"initial_pause", span<&RestartConfig::initial_pause>},
    Field<RestartConfig>{"max_pause", span<&RestartConfig::max_pause>},
    Field<RestartConfig>{"max_restarts", count<&RestartConfig::max_restarts, 0, 1000>},
    Field<RestartConfig>{"window", span<&RestartConfig::window>},
};

// What is above zero and still sensible: a weight of a thousandth is hardly a tenant any more.
constexpr double kLeast = 0.001;
constexpr double kMost = 1e9;

void weight(Problems& problems, const Entry& entry, TenantConfig& to) {
    read_number(problems, entry, kLeast, kMost, to.weight);
}
void rows_per_second(Problems& problems, const Entry& entry, TenantConfig& to) {
    read_number(problems, entry, kLeast, kMost, to.rows_per_second);
}
void burst_rows(Problems& problems, const Entry& entry, TenantConfig& to) {
    read_number(problems, entry, 1, kMost, to.burst_rows);
}
void minimum_share(Problems& problems, const Entry& entry, SchedulerSettings& to) {
    read_number(problems, entry, 0, 0.5, to.minimum_share);
}

constexpr std::array kScheduler = {Field<SchedulerSettings>{"minimum_share", minimum_share}};

void trace_events(Problems& problems, const Entry& entry, TraceConfig& to) {
    constexpr std::uint32_t kFewest = 16384;  // the state of many models has to fit in there, too
    std::uint32_t events = to.events;
    read_count(problems, entry, 0, 1u << 24, events);
    if (events > 0 && events < kFewest)
        return problems.add(
            entry, "is too few (write 0 for none, or at least " + std::to_string(kFewest) + ")");
    to.events = events;
}

constexpr std::array kTrace = {Field<TraceConfig>{"events", trace_events}};

constexpr std::array kTenant = {
    Field<TenantConfig>{"name", name<&TenantConfig::name>},
    Field<TenantConfig>{"weight", weight},
    Field<TenantConfig>{"rows_per_second", rows_per_second},
    Field<TenantConfig>{"burst_rows", burst_rows},
};

constexpr std::array kDevice = {
    Field<DeviceConfig>{"name", name<&DeviceConfig::name>},
    Field<DeviceConfig>{"backend", backend},
    Field<DeviceConfig>{"lanes", count<&DeviceConfig::lanes, 0, 256>},
    Field<DeviceConfig>{"slots", count<&DeviceConfig::slots, 0, 64>},
    Field<DeviceConfig>{"arena_bytes", size<&DeviceConfig::arena_bytes, 64 * kKiB>},
    Field<DeviceConfig>{"batch_timeout", span<&DeviceConfig::batch_timeout>},
    Field<DeviceConfig>{"options", options},
};

void twin(Problems& problems, const Entry& entry, ModelSpec& to) {
    constexpr std::string_view kWanted = R"(a table: {devices = ["cpu0"], max_deviation = 0.01})";
    if (!expect(problems, entry, Node::Kind::table, kWanted)) return;
    read_table(problems, entry.value, twin_fields(), to.twin.emplace());
    for (const Field<ModelTwin>& field : twin_fields()) {
        const auto is_it = [&field](const Entry& given) { return given.key == field.key; };
        if (std::none_of(entry.value.entries.begin(), entry.value.entries.end(), is_it))
            problems.add(entry.line(), "twin has no " + std::string(field.key) + " (write " +
                                           std::string(kWanted) + ")");
    }
}

constexpr std::array kTwin = {
    Field<ModelTwin>{"devices", [](Problems& problems, const Entry& entry,
                                   ModelTwin& to) { read_texts(problems, entry, to.devices); }},
    Field<ModelTwin>{"max_deviation",
                     [](Problems& problems, const Entry& entry, ModelTwin& to) {
                         read_number(problems, entry, 0, 1e9, to.max_deviation);
                     }},
};

constexpr std::array kModel = {
    Field<ModelSpec>{"name", name<&ModelSpec::name>},
    Field<ModelSpec>{"version", name<&ModelSpec::version>},
    Field<ModelSpec>{"path", path<&ModelSpec::path>},
    Field<ModelSpec>{"devices", [](Problems& problems, const Entry& entry,
                                   ModelSpec& to) { read_texts(problems, entry, to.devices); }},
    Field<ModelSpec>{"twin", twin},
    Field<ModelSpec>{"objective", objective},
    Field<ModelSpec>{"max_batch_rows", count<&ModelSpec::max_batch_rows, 1, kMostRows>},
    Field<ModelSpec>{"max_rows_per_request", count<&ModelSpec::max_rows_per_request, 1, kMostRows>},
    Field<ModelSpec>{"max_queued_rows", count<&ModelSpec::max_queued_rows, 1, 1u << 30>},
    Field<ModelSpec>{"max_queued_bytes", size<&ModelSpec::max_queued_bytes, kKiB>},
    Field<ModelSpec>{"precision", precision},
    Field<ModelSpec>{"numerics", numerics},
    Field<ModelSpec>{"keep_client_order", flag<&ModelSpec::keeps_client_order>},
    Field<ModelSpec>{"batched", batched},
    Field<ModelSpec>{"padding", read_padding},
    Field<ModelSpec>{"inputs", tensors<&ModelSignature::inputs>},
    Field<ModelSpec>{"outputs", tensors<&ModelSignature::outputs>},
};

constexpr std::array kTensor = {
    Field<TensorSpec>{"name", tensor_name},
    Field<TensorSpec>{"type", data_type},
    Field<TensorSpec>{"shape", shape},
};

}  // namespace

std::span<const Field<ServerConfig>> server_fields() {
    return kServer;
}
std::span<const Field<LimitsConfig>> limits_fields() {
    return kLimits;
}
std::span<const Field<LogConfig>> log_fields() {
    return kLog;
}
std::span<const Field<RestartConfig>> restart_fields() {
    return kRestart;
}
std::span<const Field<SchedulerSettings>> scheduler_fields() {
    return kScheduler;
}
std::span<const Field<TraceConfig>> trace_fields() {
    return kTrace;
}
std::span<const Field<TenantConfig>> tenant_fields() {
    return kTenant;
}
std::span<const Field<DeviceConfig>> device_fields() {
    return kDevice;
}
std::span<const Field<ModelSpec>> model_fields() {
    return kModel;
}
std::span<const Field<ModelTwin>> twin_fields() {
    return kTwin;
}
std::span<const Field<TensorSpec>> tensor_fields() {
    return kTensor;
}

}  // namespace bunch
