#include "backends/xrt/emulation/card.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "backends/xrt/emulation/bitstream.h"

namespace bunch::emulation {
namespace {

// Numbers of ert.h, which is XRT's; here only the packets are known, not XRT.
constexpr std::uint32_t kStartUnit = 0;
constexpr std::uint32_t kAbort = 4;
constexpr std::size_t kAbortedBuffer = 2;  // word with the number of the command buffer
constexpr std::uint32_t kRunning = 3;
constexpr std::uint32_t kCompleted = 4;
constexpr std::size_t kCommandWords = 1024;  // of a command buffer, one page
constexpr std::uint32_t kNoUnit = 0xffffffff;

struct CardList {
    std::vector<std::unique_ptr<Card>> cards;
};

void complain(const Status& status) {
    std::fprintf(stderr, "emulated card: %s\n", status.message().c_str());
}

std::unique_ptr<CardList> make_cards() {
    auto list = std::make_unique<CardList>();
    std::vector<CardSettings> settings = default_card();
    if (const char* path = std::getenv("BUNCH_XRT_EMULATION"); path != nullptr) {
        const auto read = read_card_settings(path);
        if (!read.ok()) return complain(read.status()), std::move(list);
        settings = *read;
    }
    for (CardSettings& card : settings) {
        auto state = CardState::open(card.state);
        if (!state.ok()) return complain(state.status()), std::move(list);
        list->cards.push_back(std::make_unique<Card>(std::move(card), std::move(*state)));
    }
    return list;
}

/// Units in the order of their indexes: by interrupt, or by address if none has one.
std::vector<fpga::Unit> ordered_units(const fpga::Xclbin& design) {
    constexpr std::uint32_t kInterrupt = 0xfe;
    std::vector<fpga::Unit> units;
    bool interrupts = false;
    for (const fpga::Unit& unit : design.units) {
        if (unit.type != 1) continue;
        units.push_back(unit);
        interrupts = interrupts || (unit.properties & kInterrupt) != 0;
    }
    std::stable_sort(units.begin(), units.end(), [interrupts](const auto& a, const auto& b) {
        if (interrupts) return (a.properties & kInterrupt) < (b.properties & kInterrupt);
        return a.base < b.base;
    });
    return units;
}

}  // namespace

void CardHandle::signal() {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        ++signals_;
        wake = waiting_ > 0;
    }
    if (wake) signalled_.notify_one();
}

int CardHandle::wait(int milliseconds) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    const bool signalled = signalled_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                                               [this] { return signals_ > 0; });
    --waiting_;
    if (!signalled) return 0;
    --signals_;
    return 1;
}

Card* Card::at(unsigned index) {
    // Never destroyed: XRT's own threads may outlive main().
    static CardList* const list = make_cards().release();
    if (index >= list->cards.size()) return nullptr;
    Card* const card = list->cards[index].get();
    return card->health() == -ENODEV ? nullptr : card;
}

Card::Card(CardSettings settings, std::unique_ptr<CardState> state)
    : settings_(std::move(settings)), state_(std::move(state)) {}

int Card::load(std::span<const std::byte> file) {
    if (const int error = health(); error != 0) return error;
    const auto design = fpga::parse_xclbin(file);
    if (!design.ok()) {
        complain(design.status());
        return -EINVAL;
    }
    const std::lock_guard lock(mutex_);
    CardFaults& faults = state_->faults();
    if (faults.busy_loads > 0) {
        faults.busy_loads.fetch_sub(1);
        return -EBUSY;
    }
    if (faults.failing_loads > 0) {
        faults.failing_loads.fetch_sub(1);
        return -EIO;
    }
    const int changed = state_->set_design(design->uuid, uuid_ != design->uuid && !open_.empty());
    if (changed < 0) return changed;
    if (changed > 0) std::this_thread::sleep_for(settings_.load_time);
    if (uuid_ == design->uuid) return 0;
    return build(*design, file);
}

int Card::build(const fpga::Xclbin& design, std::span<const std::byte> file) {
    const auto bitstream = std::find_if(design.sections.begin(), design.sections.end(),
                                        [](const fpga::Section& section) {
                                            return section.kind == fpga::section_kind::kBitstream;
                                        });
    if (bitstream == design.sections.end()) return -EINVAL;
    const auto images = read_bitstream(file.subspan(static_cast<std::size_t>(bitstream->offset),
                                                    static_cast<std::size_t>(bitstream->bytes)));
    if (!images.ok()) return complain(images.status()), -EINVAL;
    std::vector<std::shared_ptr<ComputeUnit>> units;
    for (const fpga::Unit& unit : ordered_units(design)) {
        const std::string kernel = unit.name.substr(0, unit.name.find(':'));
        const auto image =
            std::find_if(images->begin(), images->end(),
                         [&kernel](const KernelImage& each) { return each.kernel == kernel; });
        if (image == images->end()) return complain(not_found("no model of " + kernel)), -EINVAL;
        const KernelModelFactory make = kernel_model_named(image->model);
        if (make == nullptr)
            return complain(not_found("this build has no kernel model '" + image->model + "'")),
                   -EINVAL;
        auto model = make(image->parameters);
        if (!model.ok()) return complain(model.status().with_context(kernel)), -EINVAL;
        const auto index = static_cast<std::uint32_t>(units.size());
        units.push_back(std::make_shared<ComputeUnit>(std::move(*model), memory_, *state_, index,
                                                      settings_.timing_of(kernel),
                                                      settings_.rows_register));
    }
    units_ = std::move(units);
    memory_.set_banks(design.memories);
    uuid_ = design.uuid;
    return 0;
}

int Card::open_context(CardHandle& handle, const fpga::Uuid& uuid, std::uint32_t unit,
                       bool shared) {
    if (const int error = health(); error != 0) return error;
    const std::lock_guard lock(mutex_);
    if (uuid != uuid_ || state_->use(uuid) != 0) return -EBUSY;
    if (unit >= units_.size()) unit = kNoUnit;
    if (exclusive_.count(unit) != 0 || (!shared && open_.count(unit) != 0)) return -EBUSY;
    if (!handle.contexts.insert(unit).second) return 0;
    open_.insert(unit);
    if (!shared) exclusive_.insert(unit);
    return 0;
}

int Card::close_context(CardHandle& handle, std::uint32_t unit) {
    const std::lock_guard lock(mutex_);
    if (unit >= units_.size()) unit = kNoUnit;
    if (handle.contexts.erase(unit) == 0) return 0;  // XRT would end the process for an error
    open_.erase(open_.find(unit));
    exclusive_.erase(unit);
    note_contexts();
    return 0;
}

void Card::note_contexts() {
    if (open_.empty()) state_->leave();
}

std::int64_t Card::allocate(std::size_t bytes, std::uint32_t flags, void* user) {
    if (const int error = health(); error != 0) return error;
    return memory_.allocate(bytes, flags, user, state_->faults().taken_bytes);
}

void Card::free(std::uint32_t buffer) {
    const std::lock_guard lock(mutex_);
    if (const auto found = running_.find(buffer); found != running_.end())
        found->second.packet = nullptr;
    memory_.free(buffer);
}

int Card::execute(CardHandle& handle, std::uint32_t number) {
    if (const int error = health(); error != 0) return error;
    CardBuffer* const buffer = memory_.find(number);
    if (buffer == nullptr || buffer->host == nullptr || buffer->bytes < 4) return -EINVAL;
    auto* const packet = reinterpret_cast<std::uint32_t*>(buffer->host);
    const std::size_t words = std::min(kCommandWords, buffer->bytes / 4);
    const std::uint32_t opcode = packet[0] >> 23 & 0x1f;
    if (opcode == kAbort) {
        if (words <= kAbortedBuffer) return -EINVAL;
        packet[0] = (packet[0] & ~0xfu) | kCompleted;
        return abort(packet[kAbortedBuffer]);
    }
    if (opcode != kStartUnit) return -EINVAL;
    return start(handle, number, packet, words);
}

int Card::start(CardHandle& handle, std::uint32_t number, std::uint32_t* packet,
                std::size_t words) {
    const std::size_t masks = 1 + (packet[0] >> 10 & 3);
    const std::size_t count = packet[0] >> 12 & 0x7ff;
    if (count < masks || 1 + count > words) return -EINVAL;
    std::shared_ptr<ComputeUnit> chosen;
    Command* command = nullptr;
    {
        const std::lock_guard lock(mutex_);
        for (std::uint32_t i = 0; i < units_.size() && i < 32 * masks; ++i) {
            if ((packet[1 + i / 32] >> (i % 32) & 1) == 0) continue;
            if (handle.contexts.count(i) == 0) return -EINVAL;
            if (!chosen || units_[i]->load() < chosen->load()) chosen = units_[i];
        }
        if (!chosen || running_.count(number) != 0) return -EINVAL;
        handles_.insert(&handle);
        command = &(running_[number] = {this, &handle, number, packet});
    }
    packet[0] = (packet[0] & ~0xfu) | kRunning;
    const std::uint32_t* const registers = packet + 1 + masks;
    chosen->start({number, {registers, registers + (count - masks)}, finish, command});
    return 0;
}

void Card::finish(void* context, CallEnd end) {
    Card& card = *static_cast<Command*>(context)->card;
    const std::lock_guard lock(card.mutex_);
    const Command command = *static_cast<Command*>(context);
    card.running_.erase(command.number);
    if (command.packet == nullptr) return;
    const std::uint32_t header = (*command.packet & ~0xfu) | static_cast<std::uint32_t>(end);
    std::atomic_ref(*command.packet).store(header, std::memory_order_release);
    // A closed handle waits for nothing.
    if (card.handles_.count(command.handle) != 0) command.handle->signal();
}

int Card::abort(std::uint32_t number) {
    std::vector<std::shared_ptr<ComputeUnit>> units;
    {
        const std::lock_guard lock(mutex_);
        if (running_.count(number) == 0) return 0;
        units = units_;
    }
    for (const auto& unit : units)
        if (unit->abort(number)) return 0;
    // It runs. One that hangs is never done; the driver then gives up the whole board.
    if (state_->faults().hung_process != 0) state_->faults().board = Board::dead;
    return 0;
}

void Card::leave(CardHandle& handle) {
    const std::lock_guard lock(mutex_);
    handles_.erase(&handle);
    for (const std::uint32_t unit : handle.contexts) {
        open_.erase(open_.find(unit));
        exclusive_.erase(unit);
    }
    handle.contexts.clear();
    note_contexts();
    const bool busy = std::any_of(running_.begin(), running_.end(), [&handle](const auto& entry) {
        return entry.second.handle == &handle;
    });
    if (busy && state_->faults().hung_process != 0) state_->faults().board = Board::dead;
}

}  // namespace bunch::emulation
