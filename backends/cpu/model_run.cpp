// `bunch model run`: inputs from .npy files, outputs to .npy files.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "backends/cpu/model_commands.h"
#include "npy/npy.h"

namespace bunch::cpu {
namespace {

// The tensors that "name=file" texts name, in the order of the signature. A name may be left out
// where there is one input.
Status read_inputs(const ModelArguments& arguments, const ModelSignature& signature,
                   std::vector<Tensor>& inputs) {
    std::vector<std::optional<Tensor>> found(signature.inputs.size());
    if (found.empty() && !arguments.inputs.empty())
        return invalid_argument("--input " + arguments.inputs[0] + ": the model has no inputs");
    for (const std::string& text : arguments.inputs) {
        const std::size_t equals = text.find('=');
        const bool named = equals != std::string::npos;
        const std::string name = named ? text.substr(0, equals) : signature.inputs[0].name;
        const auto spec = std::find_if(signature.inputs.begin(), signature.inputs.end(),
                                       [&](const TensorSpec& s) { return s.name == name; });
        if (spec == signature.inputs.end() || (!named && signature.inputs.size() != 1))
            return invalid_argument("--input " + text +
                                    ": write NAME=FILE with a name of 'bunch "
                                    "model inspect'");
        BUNCH_ASSIGN_OR_RETURN(found[static_cast<std::size_t>(spec - signature.inputs.begin())],
                               read_npy(named ? text.substr(equals + 1) : text));
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (!found[i])
            return invalid_argument("input '" + signature.inputs[i].name +
                                    "' is missing; give it with --input " +
                                    signature.inputs[i].name + "=FILE.npy");
        inputs.push_back(std::move(*found[i]));
    }
    return ok_status();
}

// The rows of the first input, before the model is known: so that it is prepared for them.
Result<std::uint32_t> rows_of(const ModelArguments& arguments) {
    if (arguments.inputs.empty()) return std::uint32_t{1};
    const std::string& text = arguments.inputs[0];
    BUNCH_ASSIGN_OR_RETURN(const Tensor first, read_npy(text.substr(text.find('=') + 1)));
    const std::int64_t rows = first.shape.rank() == 0 ? 1 : first.shape[0];
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(rows, 1, 1 << 20));
}

// A file for each output; names that are equal as file names are told apart by a number.
std::vector<std::string> files_of(const std::vector<TensorSpec>& outputs) {
    std::vector<std::string> names;
    for (const TensorSpec& spec : outputs) {
        std::string name = spec.name;
        std::replace(name.begin(), name.end(), '/', '_');
        const std::string plain = name;
        for (int i = 2; std::find(names.begin(), names.end(), name) != names.end(); ++i)
            name = plain + "_" + std::to_string(i);
        names.push_back(std::move(name));
    }
    return names;
}

}  // namespace

Status run_model(const ModelArguments& arguments) {
    BUNCH_ASSIGN_OR_RETURN(const std::uint32_t rows, rows_of(arguments));
    BUNCH_ASSIGN_OR_RETURN(const auto model, load_for(arguments, rows));
    ModelBatch batch;
    const ModelSignature& signature = model->signature();
    BUNCH_RETURN_IF_ERROR(read_inputs(arguments, signature, batch.inputs));
    BUNCH_RETURN_IF_ERROR(make_outputs(signature, rows, batch));
    BUNCH_ASSIGN_OR_RETURN(const auto session, model->open());
    std::vector<Shape> shapes;
    BUNCH_RETURN_IF_ERROR(session->run(batch.input_views, batch.output_views, shapes));
    std::error_code error;
    std::filesystem::create_directories(arguments.output_dir, error);
    if (error)
        return unavailable("--output-dir " + arguments.output_dir +
                           " cannot be made: " + error.message());
    const std::vector<std::string> names = files_of(signature.outputs);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const TensorSpec& spec = signature.outputs[i];
        const std::string path =
            (std::filesystem::path(arguments.output_dir) / (names[i] + ".npy")).string();
        const auto bytes = batch.outputs[i].buffer.bytes().first(
            static_cast<std::size_t>(byte_size(spec.type, shapes[i]).value_or(0)));
        BUNCH_RETURN_IF_ERROR(write_npy(path, {spec.type, shapes[i], bytes}));
        std::printf("%s: %s%s\n", path.c_str(), std::string(name_of(spec.type)).c_str(),
                    shapes[i].to_string().c_str());
    }
    return ok_status();
}

}  // namespace bunch::cpu
