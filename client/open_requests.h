/// The requests of a connection that have no answer yet: their ids, and when something is due for
/// them. A table without sockets and clock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "client/dealer.h"
#include "client/request.h"

namespace bunch {

/// Told what became of a request, on the thread that polls. It may move out of the response, and
/// may submit again.
using ResponseCallback = std::function<void(Response&)>;

/// Names an open request of a connection; its decimal text is the id on the wire. Never reused
/// within 2^48 requests.
struct RequestId {
    std::uint64_t value = 0;
    friend bool operator==(RequestId, RequestId) = default;
};

struct OpenRequest {
    enum class State : std::uint8_t { free, waiting, sent };

    RequestId id;
    State state = State::free;
    std::uint32_t sends = 0;
    std::int64_t charged_bytes = 0;  ///< against the credit, while it is sent
    TimePoint submitted;
    TimePoint deadline = kNever;  ///< the local one
    TimePoint resend_at = kNever;
    Request request;
    std::vector<SharedBytes*> shared;  ///< for each input, null where it is sent as a copy
    ResponseCallback callback;
};

class OpenRequests {
  public:
    static constexpr std::size_t kMost = 65536;  ///< open at once

    OpenRequests() = default;
    OpenRequests(const OpenRequests&) = delete;
    OpenRequests& operator=(const OpenRequests&) = delete;
    ~OpenRequests();

    /// A new entry in state waiting, or null when there are kMost. References stay valid until the
    /// next add().
    OpenRequest* add();

    /// The open request of that id, or null.
    OpenRequest* find(RequestId id);
    OpenRequest* find(std::string_view id_text);

    /// Ends an entry. Its request comes back, with those of its buffers that nobody else holds.
    Request close(OpenRequest& entry);

    std::size_t size() const { return size_; }

    /// Calls `visit(OpenRequest&)` for every open entry. It must not add.
    template <typename Visit>
    void for_each(Visit visit) {
        for (OpenRequest& entry : entries_)
            if (entry.state != OpenRequest::State::free) visit(entry);
    }

  private:
    std::vector<OpenRequest> entries_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

/// Moves inputs of at least `from_bytes` into shared bytes, so that they can be sent uncopied.
void share_large_inputs(OpenRequest& entry, std::size_t from_bytes);

}  // namespace bunch
