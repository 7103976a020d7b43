/// A model in ONNX Runtime, through the shared library inside the npm package onnxruntime-node: its
/// C interface, so that no JavaScript is measured. The package brings no headers; ort_session.cpp
/// says which functions of the interface's first version, which never changes, it calls.
///
/// Not for: anything but comparing speed. No runner links or loads ONNX Runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/result.h"
#include "core/tensor.h"

namespace bunch::peers {

struct OrtApi;

/// The loaded library. Stays loaded until the process ends.
class OrtLibrary {
  public:
    /// `not_found` if there is no library at `path`, `unimplemented` if it is another one.
    static Result<OrtLibrary> open(const std::string& path);

    const std::string& version() const { return version_; }
    const OrtApi& api() const { return *api_; }

  private:
    OrtLibrary(const OrtApi& api, std::string version) : api_(&api), version_(std::move(version)) {}

    const OrtApi* api_;
    std::string version_;
};

/// One session with all optimisations of its own on. One thread at a time.
class OrtSession {
  public:
    /// Reads the model at `path`, to be run by `threads` threads, the caller's among them. Their
    /// waits are ONNX Runtime's default.
    static Result<std::unique_ptr<OrtSession>> open(const OrtLibrary& library,
                                                    const std::string& path, std::uint32_t threads,
                                                    const ModelSignature& signature);
    ~OrtSession();
    OrtSession(const OrtSession&) = delete;
    OrtSession& operator=(const OrtSession&) = delete;

    /// Names the tensors that run() takes from now on; they outlive it. Output views whose shape is
    /// open are not written.
    Status bind(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs);
    Status run();
    /// Elements of output `index` after a run, whoever owns them; until the next one.
    Result<const void*> output(std::size_t index) const;

  private:
    explicit OrtSession(const OrtApi& api) : api_(api) {}

    Status start(const std::string& path, std::uint32_t threads);
    Status bind_tensor(DataType type, const Shape& shape, std::span<std::byte> bytes, void** value);
    void release_values();
    Status checked(void* status) const;

    const OrtApi& api_;
    void *environment_ = nullptr, *options_ = nullptr, *session_ = nullptr, *memory_ = nullptr;
    std::vector<std::string> input_names_, output_names_;
    std::vector<const char*> input_pointers_, output_pointers_;
    std::vector<void*> inputs_, outputs_;
};

}  // namespace bunch::peers
