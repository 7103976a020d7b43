#include "zoo/zoo.h"

#include "zoo/models.h"

namespace bunch {
namespace {

struct Entry {
    ZooModel model;
    void (*build)(OnnxBuilder& net);
};

const std::vector<Entry>& entries() {
    static const std::vector<Entry> all = {
        {{"resnet50",
          "ResNet-50 v1.5 top-jet tagger, [N,3,224,224] -> [N,1000], 25.6 M parameters"},
         build_resnet50},
        {{"facile", "FACILE calorimeter regression 47-31-11-3-1, [N,47] -> [N,1]"}, build_facile},
        {{"muon", "muon recalibration 5-8-8-8-8-3, [N,5] -> [N,3]"}, build_muon},
        {{"small_cnn", "small residual network for tests, [N,3,32,32] -> [N,10]"}, build_small_cnn},
    };
    return all;
}

std::string known_names() {
    std::string names;
    for (const ZooModel& model : zoo_models()) names += (names.empty() ? "" : ", ") + model.name;
    return names;
}

}  // namespace

const std::vector<ZooModel>& zoo_models() {
    static const std::vector<ZooModel> all = [] {
        std::vector<ZooModel> models;
        for (const Entry& entry : entries()) models.push_back(entry.model);
        return models;
    }();
    return all;
}

Status write_zoo_model(std::string_view name, const std::string& path, std::uint64_t seed) {
    for (const Entry& entry : entries()) {
        if (entry.model.name != name) continue;
        OnnxBuilder net(entry.model.name, seed);
        entry.build(net);
        return net.write(path);
    }
    return not_found("the zoo has no model '" + std::string(name) + "'; it has " + known_names());
}

}  // namespace bunch
