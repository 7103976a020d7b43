/// Runs the same serve() as a runner process does, on a thread of the test: so hosts and daemon are
/// tested over the path that they use in production, with a backend that the test holds in hand.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backends/host/launcher.h"
#include "backends/runner/backend.h"
#include "tests/fakes/fake_backend.h"

namespace bunch::test {

using MakeBackend = std::function<Result<std::unique_ptr<Backend>>(const BackendOptions& options)>;

/// A launcher that knows one backend, whatever its name. To kill such a runner is to cut its
/// control channel; it then ends as it does when the daemon is gone.
std::unique_ptr<Launcher> thread_launcher(MakeBackend make);

/// The same for a fake device, whose crashes cut the runner off.
std::unique_ptr<Launcher> thread_launcher(std::shared_ptr<FakeDevice> device);

}  // namespace bunch::test
