// draw_rtl_net SEED NAME FOLDER: writes dense_net.svh and weights.hex of the drawn network to the
// folder.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "backends/xrt/emulation/rtl/dense_rtl.h"
#include "tests/backends/xrt/rtl/drawn_net.h"

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: draw_rtl_net SEED NAME FOLDER\n");
        return 2;
    }
    const std::filesystem::path folder = argv[3];
    std::filesystem::create_directories(folder);
    const auto stack = bunch::test::drawn_net(std::stoull(argv[1]), argv[2]);
    std::ofstream weights(folder / "weights.hex");
    weights << bunch::emulation::rtl_weights(stack) << std::flush;
    std::ofstream file(folder / "dense_net.svh");
    file << bunch::emulation::rtl_description(stack) << std::flush;
    return weights.good() && file.good() ? 0 : 1;
}
