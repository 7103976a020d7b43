#include "backends/xrt/fpga_model.h"

#include <algorithm>

#include "core/file_hash.h"

namespace bunch::fpga {
namespace {

template <typename Names>
std::string joined(const Names& names) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    return all.empty() ? "none" : all;
}

Status check_arguments(const Manifest& manifest, const Kernel& kernel) {
    const std::string who = "kernel '" + kernel.name + "'";
    if (manifest.arguments.size() != kernel.arguments.size()) {
        std::vector<std::string> names;
        for (const KernelArgument& argument : kernel.arguments) names.push_back(argument.name);
        return invalid_argument("the manifest passes " + std::to_string(manifest.arguments.size()) +
                                " arguments to " + who + ", which has " +
                                std::to_string(names.size()) + ": " + joined(names));
    }
    for (std::size_t i = 0; i < kernel.arguments.size(); ++i) {
        const Argument::Kind kind = manifest.arguments[i].kind;
        const bool tensor = kind == Argument::Kind::input || kind == Argument::Kind::output;
        const KernelArgument& argument = kernel.arguments[i];
        const std::string which =
            "argument " + std::to_string(i) + ", '" + argument.name + "', of " + who;
        if (tensor != argument.pointer)
            return invalid_argument(which + " is a " + (argument.pointer ? "pointer" : "number") +
                                    ", the manifest passes a " + (tensor ? "tensor" : "number"));
        if (tensor) continue;
        const std::uint64_t largest =
            kind == Argument::Kind::rows ? manifest.max_rows : manifest.arguments[i].value;
        if (argument.bytes > 8 || (argument.bytes < 8 && largest >> (8 * argument.bytes) != 0))
            return invalid_argument(which + " has " + std::to_string(argument.bytes) +
                                    " bytes, which cannot hold " + std::to_string(largest));
    }
    return ok_status();
}

/// Every pointer of every unit must reach a memory.
Status check_connections(const FpgaModel& model, const std::string& unit) {
    const Xclbin& xclbin = model.xclbin;
    const std::string full = model.manifest.kernel + ":" + unit;
    const Kernel& kernel = model.kernel();
    for (std::uint32_t argument = 0; argument < kernel.arguments.size(); ++argument) {
        if (!kernel.arguments[argument].pointer) continue;
        const bool connected = std::any_of(
            xclbin.connections.begin(), xclbin.connections.end(), [&](const Connection& each) {
                return each.argument == argument && xclbin.units[each.unit].name == full &&
                       xclbin.memories[each.memory].used;
            });
        if (!connected)
            return invalid_argument("argument '" + kernel.arguments[argument].name + "' of unit '" +
                                    full + "' is connected to no memory");
    }
    return ok_status();
}

}  // namespace

std::string FpgaModel::arithmetic() const {
    for (const auto* tensors : {&manifest.outputs, &manifest.inputs})
        for (const DeviceTensor& tensor : *tensors)
            if (tensor.format) return to_text(*tensor.format);
    return std::string(name_of(manifest.inputs.front().spec.type));
}

Status fit(FpgaModel& model) {
    const Manifest& manifest = model.manifest;
    const Kernel* kernel = model.xclbin.find_kernel(manifest.kernel);
    if (kernel == nullptr) {
        std::vector<std::string> names;
        for (const Kernel& each : model.xclbin.kernels) names.push_back(each.name);
        return invalid_argument("it has no kernel '" + manifest.kernel +
                                "' (its kernels: " + joined(names) + ")");
    }
    BUNCH_RETURN_IF_ERROR(check_arguments(manifest, *kernel));
    const std::vector<std::string> there = model.xclbin.units_of(manifest.kernel);
    model.units = manifest.units.empty() ? there : manifest.units;
    if (model.units.empty())
        return invalid_argument("kernel '" + manifest.kernel + "' has no compute unit in it");
    for (const std::string& unit : model.units) {
        if (std::find(there.begin(), there.end(), unit) == there.end())
            return invalid_argument("it has no compute unit '" + unit + "' of kernel '" +
                                    manifest.kernel + "' (its units: " + joined(there) + ")");
        BUNCH_RETURN_IF_ERROR(check_connections(model, unit));
    }
    return ok_status();
}

Result<std::shared_ptr<const FpgaModel>> read_model(const std::string& manifest_path) {
    auto model = std::make_shared<FpgaModel>();
    BUNCH_ASSIGN_OR_RETURN(model->manifest, read_manifest(manifest_path));
    const std::string& path = model->manifest.xclbin;
    BUNCH_ASSIGN_OR_RETURN(auto bytes, read_file_bytes(path));
    const std::string& stated = model->manifest.xclbin_hash;
    if (const std::string hash = file_hash(bytes); !stated.empty() && hash != stated)
        return invalid_argument(manifest_path + " was not written for " + path +
                                ": the file's hash is " + hash + ", not " + stated +
                                " (write the model's folder again; or, if this xclbin is meant, "
                                "write its hash into the manifest)");
    auto xclbin = parse_xclbin(bytes);
    if (!xclbin.ok()) return xclbin.status().with_context(path);
    model->xclbin = std::move(*xclbin);
    if (const Status fits = fit(*model); !fits.ok())
        return fits.with_context(manifest_path + " and " + path);
    model->file = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    model->image = to_text(model->xclbin.uuid);
    return std::shared_ptr<const FpgaModel>(std::move(model));
}

}  // namespace bunch::fpga
