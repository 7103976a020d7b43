/// The manifest of an FPGA model: a TOML file beside its xclbin that says how the kernel is called
/// and how its tensors lie in the card's memory. docs/FPGA.md explains each key. A value, read and
/// checked here; needs no XRT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/xrt/fixed_point/format.h"
#include "core/data_type.h"
#include "core/model.h"
#include "core/result.h"
#include "core/shape.h"
#include "core/time.h"

namespace bunch::fpga {

inline constexpr std::uint32_t kMaxSlots = 8;
inline constexpr std::uint32_t kMaxArguments = 64;
inline constexpr std::uint32_t kMaxUnits = 64;
inline constexpr std::uint32_t kMaxRowsPerCall = 1u << 20;
inline constexpr std::uint64_t kMaxRowBytes = std::uint64_t{1} << 30;  ///< of one tensor

/// One argument of the kernel, in the order of the kernel's.
struct Argument {
    enum class Kind : std::uint8_t {
        rows,    ///< scalar: rows of this call
        input,   ///< pointer to inputs[index]
        output,  ///< pointer to outputs[index]
        value,   ///< scalar: always `value`
    };
    Kind kind = Kind::rows;
    std::uint32_t index = 0;
    std::uint64_t value = 0;

    friend bool operator==(const Argument&, const Argument&) = default;
};

/// One tensor, as clients send or get it and as it lies on the card: row after row, the elements of
/// a row in `axes` order, zeros after them up to a multiple of row_align bytes.
struct DeviceTensor {
    TensorSpec spec;  ///< type as clients have it: f32, or an integer; the first extent is open
    std::optional<FixedFormat> format;  ///< nothing: the clients' bytes as they are
    std::uint32_t row_align = 1;        ///< power of two up to 4096
    std::vector<std::uint32_t> axes;  ///< 1-based axes of spec.shape, outermost first; empty: as is

    std::uint64_t elements_per_row() const;
    /// Of one element on the card.
    std::uint32_t element_bytes() const;
    /// From one row on the card to the next.
    std::uint64_t row_stride() const;

    friend bool operator==(const DeviceTensor&, const DeviceTensor&) = default;
};

/// The same network in floating point, for devices of other kinds. Opt-in: see docs/FPGA.md.
struct Twin {
    std::string path;          ///< absolute, of an ONNX file
    double max_deviation = 0;  ///< largest |fixed - float| that was stated for the model
    std::string hash = {};     ///< of that file (core/file_hash.h); empty: not stated
    friend bool operator==(const Twin&, const Twin&) = default;
};

struct Manifest {
    std::string path;                 ///< of the manifest itself
    std::string xclbin;               ///< absolute
    std::string xclbin_hash = {};     ///< of that file (core/file_hash.h); empty: not stated
    std::string kernel;               ///< name in the xclbin
    std::vector<std::string> units;   ///< names of its compute units; empty: all in the xclbin
    std::vector<Argument> arguments;  ///< of the kernel; each tensor once
    std::vector<DeviceTensor> inputs;
    std::vector<DeviceTensor> outputs;
    std::uint32_t max_rows = 1;  ///< of one call
    /// Calls that may be with one unit at once: with 2, the next one lies ready when one ends.
    std::uint32_t slots = kMaxSlots;
    Duration time_limit = std::chrono::seconds(1);  ///< of one call; beyond it the unit hangs
    Duration load_time = std::chrono::seconds(1);   ///< of a reconfiguration, about
    std::optional<Twin> twin;

    /// As clients see the model.
    ModelSignature signature() const;

    /// Whether the kernel is told the rows of a call. If not, it always takes max_rows.
    bool tells_rows() const;
};

/// Reads the file. invalid_argument with every problem, one per line: "file:line: what, and what
/// would be right". Of the xclbin and the twin it is only checked that they are there.
Result<Manifest> read_manifest(const std::string& path);

/// The same for a text; `name` stands for the file in messages. Paths are relative to `folder` and
/// not looked at.
Result<Manifest> parse_manifest(std::string_view text, const std::string& name,
                                const std::string& folder);

/// "ap_fixed<16,6>", "ap_ufixed<8,0,AP_RND,AP_SAT>": as HLS writes it, the last two may be left out
/// (AP_TRN, AP_WRAP).
Result<FixedFormat> parse_format(std::string_view text);
/// The same without what is the default.
std::string to_text(const FixedFormat& format);

}  // namespace bunch::fpga
