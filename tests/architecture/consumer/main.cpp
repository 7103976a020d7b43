// The README's example. Without a daemon it has to end with a status, not an exception or a hang.
#include <iostream>
#include <vector>

#include "client/client.h"

int main(int argc, char** argv) {
    auto client =
        bunch::Client::open({.endpoints = {argc > 1 ? argv[1] : "ipc:///run/bunchd/data.sock"}});
    if (!client.ok()) return 3;
    const std::vector<float> features = {1, 2, 3, 4, 5};
    bunch::Request request{.model = "muon"};
    request.timeout = std::chrono::milliseconds(200);
    request.add_input("input", {1, 5}, std::span<const float>(features));
    const bunch::Response answer = (*client)->infer(std::move(request)).get();
    std::cout << answer.status.to_string() << "\n";
    return answer.status.ok() ? 0 : 2;
}
