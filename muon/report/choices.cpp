#include "muon/report/choices.h"

namespace bunch::muon {

double sparsity_of(Task task) {
    return task == Task::pair ? 0.88 : 0.85;
}

std::vector<Ablation> ablations_of(Task task) {
    std::vector<Ablation> all = {{"as chosen", {}},
                                 {"no quantisation-aware training", {.aware = false}},
                                 {"no pruning", {.pruning = false}},
                                 {"no equalisation", {.equalised = false}},
                                 {"no weight decay", {.decay = false}},
                                 {"activations of 8 bits", {.activation_bits = 8}},
                                 {"distillation added", {.distillation = true}}};
    if (task == Task::pair) all.push_back({"no transfer", {.transfer = false}});
    return all;
}

const std::vector<Techniques>& pareto_grid() {
    static const std::vector<Techniques> grid = [] {
        std::vector<Techniques> all;
        for (const int bits : {4, 5, 6, 8})
            for (const double sparsity : {0.5, 0.7, 0.8, 0.87, 0.92})
                all.push_back({.weight_bits = bits, .sparsity = sparsity});
        return all;
    }();
    return grid;
}

const std::vector<Widths>& searched() {
    static const std::vector<Widths> all = {{32, 16},     {64, 32},         {16, 16, 16},
                                            {32, 16, 16}, {48, 24, 16},     {64, 32, 16},
                                            {96, 48, 24}, {32, 24, 16, 16}, {48, 32, 24, 16}};
    return all;
}

std::size_t weights_between(Task task, const Widths& hidden) {
    std::size_t before = input_count(task, Encoding::folded), count = 0;
    for (const std::size_t width : hidden) {
        count += before * width;
        before = width;
    }
    return count + before * output_count(task);
}

nlohmann::json choices() {
    return {
        {"training_seed", kTrainingSeed},
        {"detector_seed", kDetectorSeed},
        {"teacher", {{"hidden", kTeacher}, {"rate", kTeacherRate}, {"decay", kDecay}}},
        {"baseline", {{"hidden", kBaseline}, {"rate", kBaselineRate}, {"decay", kBaselineDecay}}},
        {"student", {{"hidden", kStudent}, {"rate", kStudentRate}, {"decay", kDecay}}},
        {"compressed",
         {{"rate", kCompressionRate},
          {"decay", kDecay},
          {"sparsity", sparsity_of(Task::recalibration)},
          {"pair_sparsity", sparsity_of(Task::pair)},
          {"weight_bits", Techniques{}.weight_bits},
          {"activation_bits", Techniques{}.activation_bits},
          {"distillation_where_added", kDistillation}}},
        {"searched", searched()}};
}

}  // namespace bunch::muon
