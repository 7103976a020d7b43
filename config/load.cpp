#include "config/load.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "config/document.h"
#include "config/endpoint.h"
#include "config/padding.h"
#include "config/schema.h"
#include "config/twin.h"
#include "core/file_hash.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;

// More than any installation needs, and little enough to check in a moment.
constexpr std::uintmax_t kMaxFileBytes = 1 << 20;

const Entry* find(const Node& table, std::string_view key) {
    const auto found = std::find_if(table.entries.begin(), table.entries.end(),
                                    [key](const Entry& entry) { return entry.key == key; });
    return found == table.entries.end() ? nullptr : &*found;
}

template <typename T>
void read_section(Problems& problems, const Entry& entry, std::span<const Field<T>> fields, T& to) {
    const std::string wanted = "a section: [" + entry.key + "]";
    if (expect(problems, entry, Node::Kind::table, wanted))
        read_table(problems, entry.value, fields, to);
}

/// Reads each [[section]] into `to`; returns their tables, in the same order.
template <typename T>
std::vector<const Node*> read_sections(Problems& problems, const Entry& entry,
                                       std::span<const Field<T>> fields, std::vector<T>& to) {
    const std::string wanted = "sections: [[" + entry.key + "]]";
    std::vector<const Node*> tables;
    if (!expect(problems, entry, Node::Kind::list, wanted)) return tables;
    for (const Node& table : entry.value.items) {
        if (!expect(problems, {entry.key, table}, Node::Kind::table, wanted)) continue;
        read_table(problems, table, fields, to.emplace_back());
        tables.push_back(&table);
    }
    return tables;
}

void require(Problems& problems, const Node& table, const char* section, const char* key,
             const char* example) {
    if (find(table, key) != nullptr) return;
    problems.add(table.line, std::string("this [[") + section + "]] has no " + key + " (write " +
                                 key + " = " + example + ")");
}

class Loader {
  public:
    Loader(std::string name, bool look_at_files)
        : problems_(name), folder_(fs::path(name).parent_path()), look_at_files_(look_at_files) {}

    ConfigResult load(const Node& document) {
        read(document);
        check_server(document);
        check_limits(document);
        check_restart(document);
        check_tenants();
        check_devices();
        check_models();
        if (!problems_.empty()) return problems_.lines();
        return std::move(config_);
    }

  private:
    void read(const Node& document);
    void check_server(const Node& document);
    void check_limits(const Node& document);
    void check_restart(const Node& document);
    void check_tenants();
    void check_devices();
    void check_models();
    void check_model(ModelSpec& model, const Node& table);
    void check_model_devices(ModelSpec& model, const Node& table);
    void check_model_path(ModelSpec& model, const Node& table);
    void check_twin(ModelSpec& model, const Node& table);
    void check_twin_hash(const Entry& entry, const std::string& path, const std::string& manifest,
                         const std::string& stated);
    void check_device_names(const Entry& entry);
    void check_tensors(const ModelSpec& model, const Node& table, const char* key,
                       const std::vector<TensorSpec>& tensors);
    std::string resolved(const std::string& path) const;

    Config config_;
    Problems problems_;
    fs::path folder_;
    bool look_at_files_;
    std::vector<const Node*> tenant_tables_;
    std::vector<const Node*> device_tables_;
    std::vector<const Node*> model_tables_;
};

void Loader::read(const Node& document) {
    for (const Entry& entry : document.entries) {
        if (entry.key == "server") {
            read_section(problems_, entry, server_fields(), config_.server);
        } else if (entry.key == "limits") {
            read_section(problems_, entry, limits_fields(), config_.limits);
        } else if (entry.key == "log") {
            read_section(problems_, entry, log_fields(), config_.log);
        } else if (entry.key == "restart") {
            read_section(problems_, entry, restart_fields(), config_.restart);
        } else if (entry.key == "scheduler") {
            read_section(problems_, entry, scheduler_fields(), config_.scheduler);
        } else if (entry.key == "trace") {
            read_section(problems_, entry, trace_fields(), config_.trace);
        } else if (entry.key == "tenant") {
            tenant_tables_ = read_sections(problems_, entry, tenant_fields(), config_.tenants);
        } else if (entry.key == "device") {
            device_tables_ = read_sections(problems_, entry, device_fields(), config_.devices);
        } else if (entry.key == "model") {
            model_tables_ = read_sections(problems_, entry, model_fields(), config_.models);
        } else {
            report_unknown_key(problems_, entry,
                               {"server", "limits", "log", "restart", "scheduler", "trace",
                                "tenant", "device", "model"});
        }
    }
}

void Loader::check_server(const Node& document) {
    ServerConfig& server = config_.server;
    server.runner_dir = resolved(server.runner_dir);
    server.state_dir = resolved(server.state_dir);
    const Entry* section = find(document, "server");
    if (section == nullptr) return;
    constexpr const char* kNotLocal =
        "can be reached from other machines (use a loopback address, or allow_remote = true)";
    std::set<std::string> seen(server.data_endpoints.begin(), server.data_endpoints.end());
    for (const char* key : {"data_endpoints", "control_endpoints"}) {
        const Entry* entry = find(section->value, key);
        if (entry == nullptr) continue;
        for (const Node& item : entry->value.items) {
            if (item.kind != Node::Kind::text) continue;
            if (!server.allow_remote && !is_local_endpoint(item.text))
                problems_.add(key, item, kNotLocal);
            if (entry->key == "control_endpoints" && seen.count(item.text) != 0)
                problems_.add(key, item, "is a data endpoint, too (write another)");
        }
    }
    const Entry* http = find(section->value, "http_address");
    if (http != nullptr && !server.http_address.empty() && !server.allow_remote &&
        !is_local_address(server.http_address))
        problems_.add(*http, kNotLocal);
}

void Loader::check_limits(const Node& document) {
    const LimitsConfig& limits = config_.limits;
    const Entry* section = find(document, "limits");
    const auto at_most = [&](const char* key, std::uint64_t value, const char* other_key,
                             std::uint64_t other) {
        if (value <= other || section == nullptr) return;
        const Entry* entry = find(section->value, key);
        if (entry == nullptr) entry = find(section->value, other_key);
        if (entry == nullptr) return;
        problems_.add(entry->line(), std::string(key) + " is above " + other_key + " (raise " +
                                         other_key + " or lower " + key + ")");
    };
    at_most("max_frame_bytes", limits.max_frame_bytes, "max_message_bytes",
            limits.max_message_bytes);
    at_most("max_message_bytes", limits.max_message_bytes, "max_open_bytes", limits.max_open_bytes);
}

void Loader::check_restart(const Node& document) {
    const Entry* section = find(document, "restart");
    if (section == nullptr || config_.restart.initial_pause <= config_.restart.max_pause) return;
    const Entry* entry = find(section->value, "initial_pause");
    if (entry == nullptr) entry = find(section->value, "max_pause");
    problems_.add(entry == nullptr ? section->line() : entry->line(),
                  "[restart] has initial_pause above max_pause (swap them)");
}

void Loader::check_tenants() {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < tenant_tables_.size(); ++i) {
        const Node& table = *tenant_tables_[i];
        require(problems_, table, "tenant", "name", "\"analysis\"");
        TenantConfig& tenant = config_.tenants[i];
        if (!tenant.name.empty() && !seen.insert(tenant.name).second)
            problems_.add(*find(table, "name"), "is the name of two tenants (rename one)");
        const Entry* burst = find(table, "burst_rows");
        if (find(table, "rows_per_second") != nullptr) {
            if (burst == nullptr) tenant.burst_rows = std::max(1.0, tenant.rows_per_second);
        } else if (burst != nullptr) {
            problems_.add(*burst, "has no quota to go with (write rows_per_second, too)");
        }
    }
    if (tenant_tables_.size() > kMaxTenants)
        problems_.add(tenant_tables_[kMaxTenants]->line,
                      "this is [[tenant]] number " + std::to_string(kMaxTenants + 1) +
                          ", there may be " + std::to_string(kMaxTenants) +
                          " (leave the rest to the tenant \"default\")");
}

void Loader::check_devices() {
    if (device_tables_.empty())
        problems_.add(0,
                      "there is no [[device]] (add one with name = \"cpu0\", backend = \"cpu\")");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < device_tables_.size(); ++i) {
        const Node& table = *device_tables_[i];
        require(problems_, table, "device", "name", "\"cpu0\"");
        require(problems_, table, "device", "backend", "\"cpu\"");
        const std::string& name = config_.devices[i].name;
        if (!name.empty() && !seen.insert(name).second)
            problems_.add(*find(table, "name"), "is the name of two devices (rename one)");
    }
}

void Loader::check_models() {
    if (model_tables_.empty())
        problems_.add(0,
                      "there is no [[model]] (add one with name = \"mine\", path = \"mine.onnx\")");
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t i = 0; i < model_tables_.size(); ++i) {
        ModelSpec& model = config_.models[i];
        check_model(model, *model_tables_[i]);
        if (!model.name.empty() && !seen.insert({model.name, model.version}).second)
            problems_.add(*find(*model_tables_[i], "name"), "is there twice with version \"" +
                                                                model.version +
                                                                "\" (give each its own version)");
    }
}

void Loader::check_model(ModelSpec& model, const Node& table) {
    require(problems_, table, "model", "name", "\"mine\"");
    if (find(table, "path") == nullptr &&
        (find(table, "inputs") == nullptr || find(table, "outputs") == nullptr))
        problems_.add(table.line,
                      "this [[model]] has no path (write path = \"model.onnx\", or inputs and "
                      "outputs for a device that needs no file)");
    check_model_devices(model, table);
    check_model_path(model, table);
    if (model.twin) check_twin(model, table);
    check_tensors(model, table, "inputs", model.signature.inputs);
    check_tensors(model, table, "outputs", model.signature.outputs);
    if (model.max_rows_per_request <= model.max_queued_rows) return;
    const Entry* entry = find(table, "max_rows_per_request");
    if (entry == nullptr) entry = find(table, "max_queued_rows");
    if (entry == nullptr) return;
    problems_.add(entry->line(),
                  "max_rows_per_request is above max_queued_rows, so the largest requests could "
                  "never be queued (raise max_queued_rows or lower max_rows_per_request)");
}

void Loader::check_model_devices(ModelSpec& model, const Node& table) {
    const Entry* entry = find(table, "devices");
    if (entry != nullptr) return check_device_names(*entry);
    for (const DeviceConfig& device : config_.devices) model.devices.push_back(device.name);
}

void Loader::check_device_names(const Entry& entry) {
    std::vector<std::string_view> known;
    for (const DeviceConfig& device : config_.devices) known.push_back(device.name);
    std::string all;
    for (const std::string_view name : known) all += (all.empty() ? "" : ", ") + std::string(name);
    for (const Node& item : entry.value.items) {
        if (item.kind != Node::Kind::text || item.text.empty()) continue;
        if (std::find(known.begin(), known.end(), item.text) == known.end())
            problems_.add(entry.key, item,
                          "is no [[device]] of this file (there are: " + all + ")");
    }
}

void Loader::check_twin_hash(const Entry& entry, const std::string& path,
                             const std::string& manifest, const std::string& stated) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const std::string hash = file_hash(std::as_bytes(std::span(content)));
    if (hash == stated) return;
    problems_.add(entry.line(), "twin: " + path + " is not the file that " + manifest +
                                    " was written for: its hash is " + hash + ", not " + stated +
                                    " (write the model's folder again)");
}

/// The twin's devices run the file that the model's own names, if what that states is accepted.
void Loader::check_twin(ModelSpec& model, const Node& table) {
    const Entry& entry = *find(table, "twin");
    ModelTwin& twin = *model.twin;
    if (const Entry* devices = find(entry.value, "devices")) check_device_names(*devices);
    const bool names_devices = find(table, "devices") != nullptr;
    for (const std::string& name : twin.devices) {
        const auto own = std::find(model.devices.begin(), model.devices.end(), name);
        if (own == model.devices.end()) {
            model.devices.push_back(name);
        } else if (names_devices) {
            problems_.add(entry.line(), "device " + shown_text(name) +
                                            " is to run the model and its twin (name it once)");
        }
    }
    if (!look_at_files_ || model.path.empty()) return;
    const auto stated = read_stated_twin(model.path);
    if (!stated.ok())
        return problems_.add(entry.line(), "twin: " + model.path + " " + stated.status().message());
    twin.path = stated->path;
    std::error_code error;
    if (!fs::is_regular_file(twin.path, error))
        problems_.add(entry.line(),
                      "twin: " + twin.path + ", which " + model.path + " names, does not exist");
    else if (!stated->hash.empty())
        check_twin_hash(entry, twin.path, model.path, stated->hash);
    if (stated->max_deviation > twin.max_deviation)
        problems_.add(entry.line(),
                      "twin: its max_deviation is above what is accepted: " + model.path +
                          " states " + std::to_string(stated->max_deviation) +
                          " (raise max_deviation if users can live with it)");
}

void Loader::check_model_path(ModelSpec& model, const Node& table) {
    if (model.path.empty()) return;
    model.path = resolved(model.path);
    std::error_code error;
    if (!look_at_files_) return;
    if (fs::is_directory(model.path, error))
        problems_.add(*find(table, "path"), "is a folder (name the model's file in it)");
    else if (!fs::exists(model.path, error))
        problems_.add(*find(table, "path"), "does not exist (looked for " + model.path + ")");
}

void Loader::check_tensors(const ModelSpec& model, const Node& table, const char* key,
                           const std::vector<TensorSpec>& tensors) {
    const Entry* entry = find(table, key);
    if (entry == nullptr || entry->value.kind != Node::Kind::list) return;
    if (entry->value.items.empty()) problems_.add(*entry, "is empty (declare at least one tensor)");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const TensorSpec& tensor = tensors[i];
        // What is missing was reported where it was read.
        if (tensor.name.empty() || find(entry->value.items[i], "shape") == nullptr) continue;
        const std::string which = std::string(key) + ": the tensor " + shown_text(tensor.name);
        if (!seen.insert(tensor.name).second)
            problems_.add(entry->line(), which + " is there twice (rename one)");
        if (model.signature.batched && (tensor.shape.rank() == 0 || tensor.shape[0] != kAnyExtent))
            problems_.add(entry->line(), which +
                                             " does not begin with the rows (write shape = [-1, "
                                             "...], or batched = false)");
    }
}

std::string Loader::resolved(const std::string& path) const {
    if (path.empty() || fs::path(path).is_absolute()) return path;
    std::error_code error;
    const fs::path absolute = fs::absolute(folder_ / path, error);
    return error ? path : absolute.lexically_normal().string();
}

ConfigResult load_text(std::string_view text, const std::string& name, bool look_at_files) {
    const Result<Node> document = parse_document(text, name);
    if (!document.ok()) return ConfigProblems{document.status().message()};
    return Loader(name, look_at_files).load(*document);
}

template <typename T>
void append_keys(std::vector<std::string>& keys, const std::string& section,
                 std::span<const Field<T>> fields) {
    for (const Field<T>& field : fields) keys.push_back(section + '.' + std::string(field.key));
}

}  // namespace

ConfigResult load_config(const std::string& path) {
    std::error_code error;
    if (fs::is_directory(path, error))
        return ConfigProblems{path + ": is a folder (name the file in it)"};
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return ConfigProblems{path + ": cannot be read (check the path and its permissions)"};
    std::string text(kMaxFileBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileBytes)
        return ConfigProblems{path + ": is larger than 1 MiB (this cannot be a configuration)"};
    return load_text(text, path, true);
}

ConfigResult parse_config(std::string_view text, const std::string& name) {
    return load_text(text, name, false);
}

std::vector<std::string> config_keys() {
    std::vector<std::string> keys;
    append_keys(keys, "server", server_fields());
    append_keys(keys, "limits", limits_fields());
    append_keys(keys, "log", log_fields());
    append_keys(keys, "restart", restart_fields());
    append_keys(keys, "scheduler", scheduler_fields());
    append_keys(keys, "trace", trace_fields());
    append_keys(keys, "tenant", tenant_fields());
    append_keys(keys, "device", device_fields());
    append_keys(keys, "model", model_fields());
    append_keys(keys, "model.twin", twin_fields());
    append_keys(keys, "model.padding", padding_fields());
    append_keys(keys, "model.inputs", tensor_fields());
    append_keys(keys, "model.outputs", tensor_fields());
    std::sort(keys.begin(), keys.end());
    return keys;
}

}  // namespace bunch
