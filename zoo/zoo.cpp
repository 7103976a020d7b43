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
        {{"resnet50_int8", "the same in 8 bits (QDQ), calibrated on toy jets"},
         build_resnet50_int8},
        {{"facile", "FACILE calorimeter regression 47-31-11-3-1, [N,47] -> [N,1]"}, build_facile},
        {{"muon", "muon recalibration 5-8-8-8-8-3, [N,5] -> [N,3]"}, build_muon},
        {{"muon_pair", "real or fake muon pair 10-8-8-8-8-1, [N,10] -> [N,1]"}, build_muon_pair},
        {{"deepcalo", "DeepCalo electron energy, [N,4,56,11] -> [N,1], 2.2 M parameters"},
         build_deepcalo},
        {{"protodune", "ProtoDUNE hit classifier, [N,1,48,48] -> [N,4]"}, build_protodune},
        {{"deepmet", "DeepMET momentum sum, [N,4500,11] -> [N,2]"}, build_deepmet},
        {{"deeptau", "DeepTau, [N,47] and [N,228,11,11] and [N,228,21,21] -> [N,4]"},
         build_deeptau},
        {{"particlenet", "ParticleNet for small jets, [N,23,P] and [N,14,V] -> [N,8]"},
         build_particlenet},
        {{"particlenet_masked",
          "The same with masks [N,1,P] and [N,1,V], so that jets can be padded"},
         build_particlenet_masked},
        {{"mlp_27", "dense network 27-32-32-16-1, [N,27] -> [N,1]"}, build_mlp_27},
        {{"mlp_30", "dense network 30-64-64-64-3, [N,30] -> [N,3]"}, build_mlp_30},
        {{"mlp_784", "dense network 784-1024-1024-512-10, [N,784] -> [N,10]"}, build_mlp_784},
        {{"trees", "200 boosted decision trees of depth 6, [N,30] -> [N,1]"}, build_trees},
        {{"small_cnn", "small residual network for tests, [N,3,32,32] -> [N,10]"}, build_small_cnn},
        {{"small_cnn_int8", "the same in 8 bits (QDQ), calibrated on noise"}, build_small_cnn_int8},
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
