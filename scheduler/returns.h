/// Clients that send their next call when the last is answered: how long they take, and how many
/// are expected back soon. Learnt from clients that give an identity; of others nothing is
/// expected. A client that makes several calls in turn of different models is followed from one to
/// the next. Not here: whether waiting for them pays (waiting.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/time.h"
#include "scheduler/slab.h"

namespace bunch {

/// Answers that will be given when a batch ends.
struct AnswersToCome {
    Index model = kNone;
    TimePoint at;
    std::uint32_t clients = 0;
};

class Returns {
  public:
    Returns() : by_id_(&nodes_) {}

    /// A call of a client came; whether it was expected, that is, follows an answer to the client.
    bool came(TimePoint at, ClientId client, Index model);

    /// A call of a client was answered.
    void answered(TimePoint at, ClientId client, Index model);

    /// Whether any client was ever seen to come back to `model`.
    bool expects(Index model) const { return model < by_next_.size() && !by_next_[model].empty(); }

    class Outlook;

    /// Who is expected to call `model` after `at`: clients that were answered and have not come
    /// back, and those of `to_come`. `into` is valid until this changes.
    void look(Index model, TimePoint at, const std::vector<AnswersToCome>& to_come,
              Outlook& into) const;

    /// Nothing is known any more of a model; its number may be used again.
    void forget_model(Index model);

  private:
    static constexpr std::size_t kBins = 64;     ///< quarters of octaves from 1 us on
    static constexpr std::size_t kCohorts = 16;  ///< remembered per model

    /// How long clients take from an answer of one model to their next call, of another or the
    /// same.
    struct ReturnTimes {
        std::array<float, kBins> counts{};
        std::array<float, kBins + 1> below{};  ///< cumulative, as of the last refresh

        void refresh();
        double part_within(Duration age) const;  ///< in calls
        double all() const { return below[kBins]; }
    };

    /// Clients that were answered at the same time.
    struct Cohort {
        std::uint64_t number = 0;
        TimePoint answered;
        std::uint32_t away = 0;
    };

    /// What is known of clients after an answer of one model.
    struct Previous {
        std::array<Cohort, kCohorts> cohorts{};
        std::uint64_t newest = 0;  ///< number of the newest cohort; 0: there was none
        std::vector<std::pair<Index, ReturnTimes>> next;
        ReturnTimes any;
        double answers = 0;  ///< counted as the returns are, those that never came back included
        std::uint32_t unrefreshed = 0;
    };

    struct Client {
        Index model = kNone;       ///< of the last answer
        std::uint64_t cohort = 0;  ///< it belongs to
        TimePoint answered;
        std::uint32_t away = 0;  ///< answers that no call has followed
    };

    static std::size_t bin_of(Duration time);
    Previous& previous(Index model);
    ReturnTimes& times(Previous& previous, Index model, Index next);
    void learn(Previous& previous, Index model, Index next, Duration time);
    Client* client(ClientId id);

    std::pmr::unsynchronized_pool_resource nodes_;
    std::pmr::unordered_map<ClientId, Client> by_id_;
    std::vector<Previous> previous_;           ///< by model
    std::vector<std::vector<Index>> by_next_;  ///< models after which clients came to this one
};

/// What is expected as of one moment. Made by look(); its memory is used again.
class Returns::Outlook {
  public:
    /// How many calls are expected within that time.
    double within(Duration time) const;

  private:
    friend class Returns;

    /// Clients that were, or will be, answered at the same time.
    struct Group {
        const ReturnTimes* times = nullptr;
        Duration age{};      ///< since the answer
        double clients = 0;  ///< that are away
        double before = 0;   ///< calls that took no longer than `age`
        double answers = 1;  ///< that those calls are a part of
        double left = 1;     ///< the part of the clients that is still away at that age
    };
    std::vector<Group> groups_;
};

}  // namespace bunch
