// make_kernels FOLDER: writes kernels of networks with random weights for the tests:
// FOLDER/TASK_cpp/muon.toml and so on, and FOLDER/TASK_rtl where there is Verilator.
#include <cstdio>
#include <string>

#include "muon/kernel_folder.h"
#include "muon/rtl/programs.h"
#include "tests/muon/kernel/test_kernels.h"

int main(int argc, char** argv) {
    using namespace bunch::muon;
    if (argc != 2) {
        std::fprintf(stderr, "usage: make_kernels FOLDER\n");
        return 2;
    }
    for (const Task task : {Task::recalibration, Task::pair})
        for (const bool rtl : {false, true}) {
            if (rtl && !has_program("verilator")) continue;
            const auto written = write_kernel_folder(argv[1] + ("/" + kernel_name(task, rtl)),
                                                     kernel_network(task), {.rtl = rtl});
            if (written.ok()) continue;
            std::fprintf(stderr, "make_kernels: %s\n", written.status().to_string().c_str());
            return 1;
        }
    return 0;
}
