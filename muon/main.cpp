#include "muon/commands.h"

int main(int argc, char** argv) {
    return bunch::muon::run(argc, argv);
}
