/// What the header codecs of this folder share: protobuf's wire format read as views and written
/// into a string. Not for use outside the folder.
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/zmq_frames.h"

namespace bunch::wire {

enum class WireType : std::uint32_t {
    varint = 0,
    fixed64 = 1,
    bytes = 2,
    group_begin = 3,
    group_end = 4,
    fixed32 = 5,
};

constexpr std::uint32_t tag_of(std::uint32_t field, WireType type) {
    return field << 3 | static_cast<std::uint32_t>(type);
}

/// Walks the fields of one message. Every `false` means that the bytes are no such message.
class Reader {
  public:
    explicit Reader(std::string_view message)
        : base_(message.data()),
          size_(static_cast<int>(message.size())),
          input_(reinterpret_cast<const std::uint8_t*>(message.data()), size_) {}

    bool at_end() const { return input_.CurrentPosition() == size_; }
    bool tag(std::uint32_t& value) {
        // ReadTag() cuts numbers that do not fit; the generated parsers refuse them.
        const int start = input_.CurrentPosition();
        value = input_.ReadTag();
        return value != 0 && input_.CurrentPosition() - start <= kMostBytes32;
    }
    bool varint(std::uint64_t& value) { return input_.ReadVarint64(&value); }
    bool fixed64(std::uint64_t& value) { return input_.ReadLittleEndian64(&value); }

    bool bytes(std::string_view& view) {
        std::uint64_t length = 0;
        const int begin = input_.CurrentPosition();
        if (!input_.ReadVarint64(&length)) return false;
        const int start = input_.CurrentPosition();
        if (start - begin > kMostBytes32 || length > static_cast<std::uint64_t>(size_ - start))
            return false;
        view = {base_ + start, length};
        return input_.Skip(static_cast<int>(length));
    }

    /// Steps over the value of a field that nobody here knows.
    bool skip(std::uint32_t tag_value) { return skip(tag_value, kMaxGroups); }

  private:
    static constexpr int kMostBytes32 = 5;  ///< of a tag or a length, as in protobuf
    static constexpr int kMaxGroups = 100;  ///< one inside the other, as in protobuf

    bool skip(std::uint32_t tag_value, int groups_left);
    bool skip_group(std::uint32_t field, int groups_left);

    const char* base_;
    int size_;
    google::protobuf::io::CodedInputStream input_;
};

/// The value of an InferParameter.
struct Parameter {
    enum class Kind : std::uint8_t { none, boolean, integer, unsigned_integer, text, real };
    std::string_view key;
    Kind kind = Kind::none;
    std::uint64_t number = 0;
    std::string_view text;

    bool is_number() const { return kind == Kind::integer || kind == Kind::unsigned_integer; }
    bool is_negative() const {
        return kind == Kind::integer && static_cast<std::int64_t>(number) < 0;
    }
};

/// Reads one entry of a map<string, InferParameter>.
bool read_parameter(std::string_view entry, Parameter& parameter);

/// Reads InferInputTensor or InferOutputTensor; `direction` is "input" or "output". False if the
/// bytes are malformed; what is well-formed but not allowed goes to `problem` if that is still ok.
bool read_tensor(std::string_view message, std::string_view direction,
                 std::vector<TensorHeader>& tensors, Status& problem);

/// `bytes` as text of the message, or a problem: not UTF-8, or longer than `limit`.
void take_text(std::string_view bytes, std::string_view what, std::size_t limit,
               std::string_view& into, Status& problem);

bool is_utf8(std::string_view text);

// ---- writing: each appends to `out`; empty text is left out, as proto3 does.

void put_varint(std::string& out, std::uint64_t value);
void put_text(std::string& out, std::uint32_t field, std::string_view text);
void put_text_parameter(std::string& out, std::string_view key, std::string_view value);
void put_number_parameter(std::string& out, std::string_view key, std::uint32_t kind_field,
                          std::uint64_t value);
/// A message whose only field is its name, number 1.
void put_named(std::string& out, std::uint32_t field, std::string_view name);
void put_tensor(std::string& out, std::uint32_t field, const TensorHeader& tensor);

// Field numbers of InferParameter.
inline constexpr std::uint32_t kBoolParam = 1;
inline constexpr std::uint32_t kInt64Param = 2;
inline constexpr std::uint32_t kStringParam = 3;
inline constexpr std::uint32_t kDoubleParam = 4;
inline constexpr std::uint32_t kUint64Param = 5;

}  // namespace bunch::wire
