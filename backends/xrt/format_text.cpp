#include <charconv>
#include <utility>
#include <vector>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "backends/xrt/manifest.h"

namespace bunch::fpga {
namespace {

constexpr std::pair<std::string_view, Rounding> kRoundings[] = {
    {"AP_TRN", Rounding::truncate},
    {"AP_TRN_ZERO", Rounding::truncate_to_zero},
    {"AP_RND", Rounding::nearest_up},
    {"AP_RND_CONV", Rounding::nearest_even}};
constexpr std::pair<std::string_view, Overflow> kOverflows[] = {{"AP_WRAP", Overflow::wrap},
                                                                {"AP_SAT", Overflow::saturate}};

constexpr const char* kHowTo =
    "is no fixed-point format (write ap_fixed<16,6>, ap_ufixed<8,0,AP_RND,AP_SAT> or ap_int<8>; "
    "rounding AP_TRN, AP_TRN_ZERO, AP_RND or AP_RND_CONV, overflow AP_WRAP or AP_SAT)";

/// "16, 6,AP_RND" as its parts without blanks.
std::vector<std::string_view> split(std::string_view list) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t comma = list.find(',');
        std::string_view part = list.substr(0, comma);
        while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
        parts.push_back(part);
        if (comma == std::string_view::npos) return parts;
        list.remove_prefix(comma + 1);
    }
}

bool read_number(std::string_view text, int least, int most, int& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size() && to >= least && to <= most;
}

template <typename Value, std::size_t n>
bool read_word(std::string_view text, const std::pair<std::string_view, Value> (&words)[n],
               Value& to) {
    for (const auto& [word, value] : words) {
        if (word != text) continue;
        to = value;
        return true;
    }
    return false;
}

}  // namespace

Result<FixedFormat> parse_format(std::string_view text) {
    const Status wrong = invalid_argument(kHowTo);
    const std::size_t open = text.find('<');
    if (open == std::string_view::npos || text.back() != '>') return wrong;
    const std::string_view name = text.substr(0, open);
    const auto parts = split(text.substr(open + 1, text.size() - open - 2));
    const bool whole = name == "ap_int" || name == "ap_uint";
    if (!whole && name != "ap_fixed" && name != "ap_ufixed") return wrong;
    int total = 0, integer = 0;
    if (!read_number(parts[0], 1, 32, total)) return wrong;
    FixedFormat format;
    format.is_signed = name == "ap_fixed" || name == "ap_int";
    format.total_bits = static_cast<std::uint8_t>(total);
    if (whole) {
        format.integer_bits = static_cast<std::int8_t>(total);
        return parts.size() == 1 ? Result<FixedFormat>(format) : wrong;
    }
    if (parts.size() < 2 || parts.size() > 4 || !read_number(parts[1], -32, 64, integer))
        return wrong;
    format.integer_bits = static_cast<std::int8_t>(integer);
    if (!fixed_point::check(format).ok()) return wrong;
    if (parts.size() > 2 && !read_word(parts[2], kRoundings, format.rounding)) return wrong;
    if (parts.size() > 3 && !read_word(parts[3], kOverflows, format.overflow)) return wrong;
    return format;
}

std::string to_text(const FixedFormat& format) {
    std::string text = format.is_signed ? "ap_fixed<" : "ap_ufixed<";
    text += std::to_string(format.total_bits) + ',' + std::to_string(format.integer_bits);
    const bool wraps = format.overflow == Overflow::wrap;
    if (wraps && format.rounding == Rounding::truncate) return text + '>';
    for (const auto& [word, value] : kRoundings)
        if (value == format.rounding) text += ',' + std::string(word);
    if (wraps) return text + '>';
    for (const auto& [word, value] : kOverflows)
        if (value == format.overflow) text += ',' + std::string(word);
    return text + '>';
}

}  // namespace bunch::fpga
