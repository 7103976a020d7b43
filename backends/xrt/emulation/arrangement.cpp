#include "backends/xrt/emulation/arrangement.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "core/check.h"

namespace bunch::emulation {
namespace {

/// Removed with all that is in it when the process ends.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "bunch-card-XXXXXX").string();
        BUNCH_CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace

const std::string& card_folder() {
    static const Folder folder;
    return folder.path();
}

void arrange_cards(const std::string& toml) {
    const std::string settings = card_folder() + "/cards.toml";
    std::ofstream(settings) << toml;
    const std::string emulation = BUNCH_XRT_EMULATION_DIR;
    ::setenv("XILINX_XRT", emulation.c_str(), 1);
    ::setenv("XRT_INI_PATH", (emulation + "/xrt.ini").c_str(), 1);
    ::setenv("XCL_EMULATION_MODE", "hw_emu", 1);
    ::setenv("BUNCH_XRT_EMULATION", settings.c_str(), 1);
}

CardState& card_state(const std::string& name) {
    static std::map<std::string, std::unique_ptr<CardState>> states;
    auto& state = states[name];
    if (!state) {
        auto opened = CardState::open(card_folder() + "/" + name);
        BUNCH_CHECK(opened.ok());
        state = std::move(*opened);
    }
    return *state;
}

}  // namespace bunch::emulation
