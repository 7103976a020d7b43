/// Between the rows of a tensor as clients have them and as they lie on the card: fixed-point
/// conversion, another order of axes, padding. What is the same on both sides is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backends/xrt/fixed_point/convert.h"
#include "backends/xrt/manifest.h"
#include "core/result.h"

namespace bunch::fpga {

/// A value; any thread, but two threads need two objects.
class RowCodec {
  public:
    /// `tensor` of a manifest that was read, so it fails for our own bugs only.
    static Result<RowCodec> make(const DeviceTensor& tensor);

    /// Whether rows on the card are those of the client, byte for byte: then nobody needs to copy.
    bool is_identity() const { return identity_; }

    std::size_t client_bytes(std::size_t rows) const { return rows * client_row_; }
    std::size_t device_bytes(std::size_t rows) const { return rows * layout_.stride; }

    /// `rows` rows; sizes as above, the two do not overlap.
    void to_device(const std::byte* client, std::byte* device, std::size_t rows);
    void to_client(const std::byte* device, std::byte* client, std::size_t rows);

  private:
    RowCodec() = default;
    void permute(const std::byte* from, std::byte* to, bool to_device) const;

    std::optional<fixed_point::Converter> converter_;
    fixed_point::RowLayout layout_;  // rows: 1
    std::size_t client_row_ = 0;
    std::size_t element_ = 0;           // bytes of one on the card
    std::vector<std::uint32_t> order_;  // card's element -> client's; empty: the same order
    std::vector<std::byte> scratch_;    // one row of words in the clients' order
    bool identity_ = false;
};

}  // namespace bunch::fpga
