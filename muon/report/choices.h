/// What the study has settled on, and what it compares with that: widths, rates, sparsities.
/// Chosen on other samples than the one that networks are judged on.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "muon/encoding.h"

namespace bunch::muon {

using Widths = std::vector<std::size_t>;

inline constexpr std::uint64_t kTrainingSeed = 1, kDetectorSeed = 7;
inline const Widths kStudent = {48, 24, 16}, kBaseline = {16, 16, 16, 16},
                    kTeacher = {256, 256, 256, 256};
inline constexpr double kTeacherRate = 1e-3, kBaselineRate = 4e-3, kStudentRate = 4e-3,
                        kCompressionRate = 6e-3;
/// Each the best of a few, by validation.
inline constexpr float kDecay = 0.03F, kBaselineDecay = 0.01F;

/// What a compression uses.
struct Techniques {
    bool aware = true;
    bool distillation = false;
    bool pruning = true;
    bool transfer = true;  ///< pairs only: from the student of the same seed
    bool equalised = true;
    bool decay = true;
    int weight_bits = 6;
    int activation_bits = 7;
    std::optional<double> sparsity{};  ///< none: sparsity_of() the task
};

inline constexpr float kDistillation = 0.3F;  ///< where it is used
double sparsity_of(Task task);

/// The compressed network with one technique less, or more.
struct Ablation {
    const char* name;
    Techniques techniques;
};
std::vector<Ablation> ablations_of(Task task);

/// Compressions that are compared by size and error.
const std::vector<Techniques>& pareto_grid();

/// Hidden layers of the students that are compared.
const std::vector<Widths>& searched();

/// Of all layers between these hidden widths, folded encoding.
std::size_t weights_between(Task task, const Widths& hidden);

/// All of it. A study that another version of this program began may have made other ones.
nlohmann::json choices();

}  // namespace bunch::muon
