/// How numbers and texts become bytes and come back: little-endian, unpadded, every read checked.
/// For messages.cpp; both processes run on one machine, so there is no byte swapping.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace bunch {

static_assert(std::endian::native == std::endian::little);

/// Appends to a buffer that its owner reuses.
class Writer {
  public:
    explicit Writer(std::vector<std::byte>& out) : out_(out) { out_.clear(); }

    template <typename Number>
    void number(Number value) {
        static_assert(std::is_integral_v<Number> || std::is_enum_v<Number>);
        append(&value, sizeof value);
    }

    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        append(value.data(), value.size());
    }

  private:
    void append(const void* from, std::size_t size) {
        const std::size_t at = out_.size();
        out_.resize(at + size);
        if (size > 0) std::memcpy(out_.data() + at, from, size);
    }

    std::vector<std::byte>& out_;
};

/// Reads what a Writer wrote. The first failure sticks: later reads give zeros and empty texts, so
/// that a decoder may read on and ask once at the end.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

    template <typename Number>
    Number number() {
        Number value{};
        if (failed() || left_.size() < sizeof value) {
            fail("it ends early");
            return value;
        }
        std::memcpy(&value, left_.data(), sizeof value);
        left_ = left_.subspan(sizeof value);
        return value;
    }

    /// A number of at most `limit`; `what` names it in the failure.
    template <typename Number>
    Number number_up_to(std::uint64_t limit, const char* what) {
        const auto value = number<Number>();
        if (value <= limit) return value;
        fail(what);
        return Number{};
    }

    std::string text(std::uint32_t limit) {
        const auto size = number_up_to<std::uint32_t>(limit, "a text is too long");
        if (failed() || left_.size() < size) {
            fail("it ends early");
            return {};
        }
        std::string value(reinterpret_cast<const char*>(left_.data()), size);
        left_ = left_.subspan(size);
        return value;
    }

    /// `why` must outlive the reader: a literal.
    void fail(const char* why) {
        if (!failed()) why_ = why;
    }

    bool failed() const { return why_ != nullptr; }
    bool at_end() const { return left_.empty(); }

    /// Only when failed().
    const char* why() const { return why_; }

  private:
    std::span<const std::byte> left_;
    const char* why_ = nullptr;
};

}  // namespace bunch
