/// Typed reading of a document: each section is a table of fields, each field a key and how its
/// value is read and checked. Problems are collected, never thrown; a field with a problem keeps
/// its default. What fields there are is the business of load.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/document.h"
#include "core/time.h"

namespace bunch {

/// Collects what is wrong, as lines for the operator.
class Problems {
  public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void add(std::uint32_t line, const std::string& what);
    /// `what` goes on after "key = value ".
    void add(const Entry& entry, const std::string& what);
    void add(std::string_view key, const Node& value, const std::string& what);

    bool empty() const { return found_.empty(); }
    /// In the order of the file.
    std::vector<std::string> lines() const;

  private:
    std::string file_;
    std::vector<std::pair<std::uint32_t, std::string>> found_;
};

/// How the value of one key gets into a T.
template <typename T>
struct Field {
    std::string_view key;
    void (*read)(Problems& problems, const Entry& entry, T& to);
};

/// Whether the value is of that kind; if not, a problem says what would have been.
bool expect(Problems& problems, const Entry& entry, Node::Kind kind, std::string_view wanted);

/// A problem for a key that is not among `known`, with the nearest that is.
void report_unknown_key(Problems& problems, const Entry& entry,
                        const std::vector<std::string_view>& known);

// Each leaves `to` alone where there is a problem. Limits are inclusive.
void read_text(Problems& problems, const Entry& entry, std::string& to);
/// Letters, digits, '_', '-' and '.', not beginning with '.', at most `longest`.
void read_name(Problems& problems, const Entry& entry, std::size_t longest, std::string& to);
void read_flag(Problems& problems, const Entry& entry, bool& to);
void read_count(Problems& problems, const Entry& entry, std::uint32_t least, std::uint32_t most,
                std::uint32_t& to);
/// With or without a fraction.
void read_number(Problems& problems, const Entry& entry, double least, double most, double& to);
void read_size(Problems& problems, const Entry& entry, std::uint64_t least, std::uint64_t most,
               std::uint64_t& to);
void read_duration(Problems& problems, const Entry& entry, Duration least, Duration most,
                   Duration& to);
/// Texts without repetition, at least one.
void read_texts(Problems& problems, const Entry& entry, std::vector<std::string>& to);

template <typename T>
void read_table(Problems& problems, const Node& table, std::span<const Field<T>> fields, T& to) {
    for (const Entry& entry : table.entries) {
        bool known = false;
        for (const Field<T>& field : fields) {
            if (field.key != entry.key) continue;
            field.read(problems, entry, to);
            known = true;
        }
        if (known) continue;
        std::vector<std::string_view> keys;
        for (const Field<T>& field : fields) keys.push_back(field.key);
        report_unknown_key(problems, entry, keys);
    }
}

}  // namespace bunch
