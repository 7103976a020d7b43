#include "daemon/curve_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "config/document.h"
#include "config/reader.h"

namespace bunch {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kMostCorrections = 32;  // one per power of two of rows
constexpr double kLargest = 1e9;              // of any number; the others are nonsense
constexpr std::uint32_t kMostRows = 1u << 31;

bool is_sane(double number) {
    return std::abs(number) <= kLargest;  // false for what is not a number
}

/// Visits the numbers of a curve with their keys.
template <typename Curve, typename Visit>
void for_each_number(Curve& curve, Visit visit) {
    visit("fixed", curve.fixed);
    visit("per_row", curve.per_row);
    visit("per_row_contended", curve.per_row_contended);
    visit("upper_factor", curve.upper_factor);
    visit("deviation", curve.deviation);
    visit("gather_per_row", curve.gather_per_row);
    visit("transfer_per_row", curve.transfer_per_row);
}

/// Whether the reader below would take it.
bool is_sane(const LearntCurve& curve) {
    bool sane = curve.corrections.size() <= kMostCorrections &&
                std::max(curve.smallest_rows, curve.largest_rows) <= kMostRows &&
                curve.device_class.size() <= kLongestName && !curve.device_class.empty() &&
                std::all_of(curve.device_class.begin(), curve.device_class.end(),
                            [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
    for (const double factor : curve.corrections) sane = sane && is_sane(factor);
    for_each_number(curve, [&](const char*, double number) { sane = sane && is_sane(number); });
    return sane;
}

std::string text_of(const KeptCurve& kept) {
    const LearntCurve& curve = kept.curve;
    std::string text = fmt::format(
        "\n[[curve]]\nmodel = \"{}\"\nversion = \"{}\"\nfingerprint = \"{:016x}\"\n"
        "device_class = \"{}\"\n",
        kept.model, kept.version, kept.fingerprint, curve.device_class);
    for_each_number(curve, [&](const char* key, double number) {
        text += fmt::format("{} = {:.17g}\n", key, number);
    });
    text += fmt::format("smallest_rows = {}\nlargest_rows = {}\ncorrections = [",
                        curve.smallest_rows, curve.largest_rows);
    for (std::size_t i = 0; i < curve.corrections.size(); ++i)
        text += fmt::format("{}{:.17g}", i == 0 ? "" : ", ", curve.corrections[i]);
    return text + "]\n";
}

template <std::string KeptCurve::*member>
void read_name_of(Problems& problems, const Entry& entry, KeptCurve& to) {
    read_name(problems, entry, kLongestName, to.*member);
}

void read_class(Problems& problems, const Entry& entry, KeptCurve& to) {
    read_text(problems, entry, to.curve.device_class);
}

void read_fingerprint(Problems& problems, const Entry& entry, KeptCurve& to) {
    const std::string& text = entry.value.text;
    const char* const end = text.data() + text.size();
    if (!expect(problems, entry, Node::Kind::text, "16 hexadecimal digits")) return;
    const auto [rest, error] = std::from_chars(text.data(), end, to.fingerprint, 16);
    if (error != std::errc() || rest != end || text.size() != 16)
        problems.add(entry, "is no fingerprint (16 hexadecimal digits)");
}

template <double LearntCurve::*member>
void number(Problems& problems, const Entry& entry, KeptCurve& to) {
    read_number(problems, entry, -kLargest, kLargest, to.curve.*member);
}

template <std::uint32_t LearntCurve::*member>
void rows(Problems& problems, const Entry& entry, KeptCurve& to) {
    read_count(problems, entry, 0, kMostRows, to.curve.*member);
}

void read_corrections(Problems& problems, const Entry& entry, KeptCurve& to) {
    if (!expect(problems, entry, Node::Kind::list, "a list of numbers")) return;
    if (entry.value.items.size() > kMostCorrections)
        return problems.add(
            entry, "is too long (at most " + std::to_string(kMostCorrections) + " numbers)");
    for (const Node& item : entry.value.items)
        read_number(problems, {entry.key, item}, -kLargest, kLargest,
                    to.curve.corrections.emplace_back());
}

constexpr std::array kFields = {
    Field<KeptCurve>{"model", read_name_of<&KeptCurve::model>},
    Field<KeptCurve>{"version", read_name_of<&KeptCurve::version>},
    Field<KeptCurve>{"fingerprint", read_fingerprint},
    Field<KeptCurve>{"device_class", read_class},
    Field<KeptCurve>{"fixed", number<&LearntCurve::fixed>},
    Field<KeptCurve>{"per_row", number<&LearntCurve::per_row>},
    Field<KeptCurve>{"per_row_contended", number<&LearntCurve::per_row_contended>},
    Field<KeptCurve>{"upper_factor", number<&LearntCurve::upper_factor>},
    Field<KeptCurve>{"deviation", number<&LearntCurve::deviation>},
    Field<KeptCurve>{"gather_per_row", number<&LearntCurve::gather_per_row>},
    Field<KeptCurve>{"transfer_per_row", number<&LearntCurve::transfer_per_row>},
    Field<KeptCurve>{"smallest_rows", rows<&LearntCurve::smallest_rows>},
    Field<KeptCurve>{"largest_rows", rows<&LearntCurve::largest_rows>},
    Field<KeptCurve>{"corrections", read_corrections},
};

void read_curve(Problems& problems, const Node& table, std::vector<KeptCurve>& curves) {
    KeptCurve kept;
    read_table(problems, table, std::span<const Field<KeptCurve>>(kFields), kept);
    if (table.entries.size() != kFields.size())
        problems.add(table.line, "this [[curve]] has " + std::to_string(table.entries.size()) +
                                     " keys, not " + std::to_string(kFields.size()));
    if (!is_sane(kept.curve))
        problems.add(table.line, "this [[curve]] is not one that bunchd writes");
    curves.push_back(std::move(kept));
}

void read_document(Problems& problems, const Node& document, std::vector<KeptCurve>& curves) {
    std::uint32_t version = 0;
    bool has_version = false;
    for (const Entry& entry : document.entries) {
        if (entry.key == "format") {
            has_version = true;
            read_count(problems, entry, kVersion, kVersion, version);
        } else if (entry.key == "curve") {
            if (!expect(problems, entry, Node::Kind::list, "sections: [[curve]]")) return;
            for (const Node& table : entry.value.items) {
                if (!expect(problems, {entry.key, table}, Node::Kind::table, "[[curve]]")) return;
                if (curves.size() == kMostKeptCurves)
                    return problems.add(table.line, "there are more curves than bunchd writes");
                read_curve(problems, table, curves);
            }
        } else {
            report_unknown_key(problems, entry, {"format", "curve"});
        }
    }
    if (!has_version) problems.add(0, "there is no format = 1");
}

}  // namespace

std::string text_of_curves(const std::vector<KeptCurve>& curves) {
    std::string text =
        "# Run times that bunchd has learnt, read at its next start. Written by bunchd; may be "
        "deleted.\nformat = 1\n";
    std::size_t left = kMostKeptCurves;
    for (const KeptCurve& kept : curves) {
        if (left == 0 || !is_sane(kept.curve)) continue;
        text += text_of(kept);
        --left;
    }
    return text;
}

Result<std::vector<KeptCurve>> parse_curves(std::string_view text, const std::string& name) {
    BUNCH_ASSIGN_OR_RETURN(const Node document, parse_document(text, name));
    Problems problems(name);
    std::vector<KeptCurve> curves;
    read_document(problems, document, curves);
    if (!problems.empty()) return invalid_argument(problems.lines().front());
    return curves;
}

}  // namespace bunch
