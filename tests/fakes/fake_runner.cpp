// A runner program with a fake device, for tests that need a real process to crash. Its options are
// orders: refuse=WHY, abort_on_load=MODEL, hang=1 (neither greets nor ends).
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "backends/runner/serve.h"
#include "tests/fakes/fake_backend.h"

namespace {

using namespace bunch;

Result<std::unique_ptr<Backend>> make(const BackendOptions& options) {
    const auto device = std::make_shared<test::FakeDevice>();
    if (const auto why = options.find("refuse"); why != options.end())
        device->refusal = why->second;
    if (const auto model = options.find("abort_on_load"); model != options.end())
        device->order_load_crash(model->second);
    if (options.count("hang") != 0) {
        std::signal(SIGTERM, SIG_IGN);
        for (;;) ::pause();
    }
    return test::FakeDevice::make(device, [] { std::abort(); });
}

}  // namespace

int main(int argc, char** argv) {
    return bunch::runner_main(argc, argv, make);
}
