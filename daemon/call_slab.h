/// Every open call of the daemon with its bytes. Used by the reactor thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/call.h"

namespace bunch {

/// An open call and what has come back of it so far.
struct OpenCall {
    Call call;
    std::uint64_t input_bytes = 0;
    std::uint32_t rows_left = 0;  ///< rows whose results are still to come
    // Only for calls that came back in several slices.
    std::vector<Tensor> outputs;
    std::string device_classes;  ///< that ran them: "cpu+fpga"
    std::string precisions;      ///< "f32+ap_fixed<16,6>"
    std::uint32_t pins = 0;      ///< gather jobs that still read the inputs
    bool closed = false;         ///< answered; only the pins keep it
};

/// Entries are reused, so a steady state allocates nothing. A CallId names an entry and its
/// generation: the id of a closed call finds nothing, however late it comes.
class CallSlab {
  public:
    /// At most `max_calls` calls with at most `max_bytes` input bytes are open at a time.
    CallSlab(std::size_t max_calls, std::uint64_t max_bytes)
        : max_calls_(max_calls), max_bytes_(max_bytes) {}

    /// An entry whose `call` the caller fills in, then open()s or abandon()s. One at a time.
    OpenCall& draft();

    /// Whether another call of `bytes` fits.
    bool has_room(std::uint64_t bytes) const {
        return open_ < max_calls_ && bytes_ + bytes <= max_bytes_;
    }

    /// Opens the draft; `input_bytes` and `rows_left` are set from its inputs.
    CallId open();

    /// Drops the draft's bytes; nothing was opened.
    void abandon();

    /// The open call of that id, or null.
    OpenCall* find(CallId id);

    /// Ends the call. Its bytes go at once, or with its last pin.
    void close(CallId id);

    /// A gather job of another thread begins or ends to read the call's inputs. A pinned call that
    /// is closed meanwhile keeps its bytes.
    void pin(CallId id);
    void unpin(CallId id);

    std::size_t open_calls() const { return open_; }
    std::uint64_t open_bytes() const { return bytes_; }

    /// Calls `visit(CallId, OpenCall&)` for each open call. `visit` may close the one it is given.
    template <typename Visit>
    void for_each(Visit&& visit) {
        for (std::uint32_t i = 0; i < entries_.size(); ++i) {
            Entry& entry = entries_[i];
            if (entry.used && !entry.open.closed) visit(id_of(i), entry.open);
        }
    }

  private:
    struct Entry {
        OpenCall open;
        std::uint32_t generation = 0;
        bool used = false;
    };

    CallId id_of(std::uint32_t index) const {
        return {(std::uint64_t{entries_[index].generation} << 32) | index};
    }
    Entry* entry_of(CallId id);
    void recycle(std::uint32_t index);

    std::size_t max_calls_;
    std::uint64_t max_bytes_;
    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::uint32_t draft_ = 0;
    bool has_draft_ = false;
    std::size_t open_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace bunch
