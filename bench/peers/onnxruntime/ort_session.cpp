#include "bench/peers/onnxruntime/ort_session.h"

#include <dlfcn.h>

#include <utility>

namespace bunch::peers {

/// Version 1 of the interface: a table of functions, here by their places. Every function that
/// returns a pointer returns a status, null for success.
struct OrtApi {
    void* functions[102];

    template <typename Function>
    Function at(std::size_t place) const {
        return reinterpret_cast<Function>(functions[place]);
    }
    template <typename... Arguments>
    void* call(std::size_t place, Arguments... arguments) const {
        return at<void* (*)(Arguments...)>(place)(arguments...);
    }
    void release(std::size_t place, void* object) const {
        if (object != nullptr) at<void (*)(void*)>(place)(object);
    }
};

namespace {

enum Place : std::size_t {
    kGetErrorMessage = 2,
    kCreateEnv = 3,
    kCreateSession = 7,
    kRun = 9,
    kCreateSessionOptions = 10,
    kSetGraphOptimizationLevel = 23,
    kSetIntraOpNumThreads = 24,
    kSetInterOpNumThreads = 25,
    kCreateTensorWithData = 49,
    kGetTensorMutableData = 51,
    kCreateCpuMemoryInfo = 69,
    kReleaseEnv = 92,
    kReleaseStatus = 93,
    kReleaseMemoryInfo = 94,
    kReleaseSession = 95,
    kReleaseValue = 96,
    kReleaseSessionOptions = 100,
};

struct ApiBase {
    const OrtApi* (*api)(std::uint32_t version);
    const char* (*version)();
};

constexpr int kWarnings = 2, kAllOptimizations = 99, kArenaAllocator = 1, kDefaultMemory = 0;

// ONNX's numbers of element types.
int element_type(DataType type) {
    switch (type) {
        case DataType::f32:
            return 1;
        case DataType::u8:
            return 2;
        case DataType::i8:
            return 3;
        case DataType::u16:
            return 4;
        case DataType::i16:
            return 5;
        case DataType::i32:
            return 6;
        case DataType::i64:
            return 7;
        case DataType::boolean:
            return 9;
        case DataType::f16:
            return 10;
        case DataType::f64:
            return 11;
        case DataType::u32:
            return 12;
        case DataType::u64:
            return 13;
        default:
            return 0;
    }
}

}  // namespace

Result<OrtLibrary> OrtLibrary::open(const std::string& path) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return not_found("cannot load ONNX Runtime: " + std::string(dlerror()));
    using GetBase = const ApiBase* (*)();
    const auto get_base = reinterpret_cast<GetBase>(dlsym(library, "OrtGetApiBase"));
    if (get_base == nullptr) return unimplemented(path + " is not ONNX Runtime");
    const OrtApi* api = get_base()->api(1);
    if (api == nullptr) return unimplemented(path + " no longer has version 1 of the C interface");
    return OrtLibrary(*api, get_base()->version());
}

Status OrtSession::checked(void* status) const {
    if (status == nullptr) return ok_status();
    const std::string text = api_.at<const char* (*)(const void*)>(kGetErrorMessage)(status);
    api_.release(kReleaseStatus, status);
    return internal_error("ONNX Runtime: " + text);
}

Status OrtSession::start(const std::string& path, std::uint32_t threads) {
    const auto count = static_cast<int>(threads);
    BUNCH_RETURN_IF_ERROR(checked(api_.call(kCreateEnv, kWarnings, "bunch", &environment_)));
    BUNCH_RETURN_IF_ERROR(checked(api_.call(kCreateSessionOptions, &options_)));
    BUNCH_RETURN_IF_ERROR(
        checked(api_.call(kSetGraphOptimizationLevel, options_, kAllOptimizations)));
    BUNCH_RETURN_IF_ERROR(checked(api_.call(kSetIntraOpNumThreads, options_, count)));
    BUNCH_RETURN_IF_ERROR(checked(api_.call(kSetInterOpNumThreads, options_, 1)));
    BUNCH_RETURN_IF_ERROR(
        checked(api_.call(kCreateSession, environment_, path.c_str(), options_, &session_)));
    return checked(api_.call(kCreateCpuMemoryInfo, kArenaAllocator, kDefaultMemory, &memory_));
}

Result<std::unique_ptr<OrtSession>> OrtSession::open(const OrtLibrary& library,
                                                     const std::string& path, std::uint32_t threads,
                                                     const ModelSignature& signature) {
    std::unique_ptr<OrtSession> session(new OrtSession(library.api()));
    BUNCH_RETURN_IF_ERROR(session->start(path, threads));
    for (const TensorSpec& tensor : signature.inputs) session->input_names_.push_back(tensor.name);
    for (const TensorSpec& tensor : signature.outputs)
        session->output_names_.push_back(tensor.name);
    for (const std::string& name : session->input_names_)
        session->input_pointers_.push_back(name.c_str());
    for (const std::string& name : session->output_names_)
        session->output_pointers_.push_back(name.c_str());
    return session;
}

void OrtSession::release_values() {
    for (void* value : inputs_) api_.release(kReleaseValue, value);
    for (void* value : outputs_) api_.release(kReleaseValue, value);
    inputs_.clear();
    outputs_.clear();
}

OrtSession::~OrtSession() {
    release_values();
    api_.release(kReleaseMemoryInfo, memory_);
    api_.release(kReleaseSession, session_);
    api_.release(kReleaseSessionOptions, options_);
    api_.release(kReleaseEnv, environment_);
}

Status OrtSession::bind_tensor(DataType type, const Shape& shape, std::span<std::byte> bytes,
                               void** value) {
    const std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
    return checked(api_.call(kCreateTensorWithData, static_cast<const void*>(memory_),
                             static_cast<void*>(bytes.data()), bytes.size(), extents.data(),
                             extents.size(), element_type(type), value));
}

Status OrtSession::bind(std::span<const ConstTensorView> inputs,
                        std::span<const TensorView> outputs) {
    release_values();
    inputs_.resize(inputs.size());
    outputs_.resize(outputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        // The interface has no const tensors; inputs are only read.
        auto* bytes = const_cast<std::byte*>(inputs[i].bytes.data());
        BUNCH_RETURN_IF_ERROR(bind_tensor(inputs[i].type, inputs[i].shape,
                                          {bytes, inputs[i].bytes.size()}, &inputs_[i]));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if (!outputs[i].shape.is_open())
            BUNCH_RETURN_IF_ERROR(
                bind_tensor(outputs[i].type, outputs[i].shape, outputs[i].bytes, &outputs_[i]));
    return ok_status();
}

Status OrtSession::run() {
    return checked(api_.call(kRun, session_, static_cast<const void*>(nullptr),
                             input_pointers_.data(), inputs_.data(), inputs_.size(),
                             output_pointers_.data(), outputs_.size(), outputs_.data()));
}

Result<const void*> OrtSession::output(std::size_t index) const {
    void* elements = nullptr;
    BUNCH_RETURN_IF_ERROR(checked(api_.call(kGetTensorMutableData, outputs_[index], &elements)));
    return static_cast<const void*>(elements);
}

}  // namespace bunch::peers
