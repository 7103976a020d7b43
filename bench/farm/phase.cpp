#include "bench/farm/phase.h"

#include "zoo/jets.h"

namespace bunch::farm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Half of the jets are top quarks.
void fill_with_jet(std::span<float> row, Random& random) {
    const JetKind kind = random.uniform() < 0.5 ? JetKind::top : JetKind::qcd;
    fill_jet_image(make_jet(kind, random), row);
}

void fill_with_normal_numbers(std::span<float> row, Random& random) {
    for (float& value : row) value = static_cast<float>(random.normal());
}

Phase resnet50() {
    Phase phase;
    phase.name = "resnet50";
    phase.title = "ResNet-50 top tagger, f32, one 588 KiB jet image per request";
    phase.device = "cpu";
    phase.unit = "images";
    phase.row_shape = {kAnyExtent, 3, kJetImageSide, kJetImageSide};
    phase.row_inputs = kJetImageFloats;
    phase.row_outputs = 1000;
    phase.tolerance = 1e-4;
    phase.warm_up = seconds(2);
    phase.measured = seconds(15);
    phase.sweep = {1, 8};
    phase.sweep_measured = seconds(4);
    phase.fill = fill_with_jet;
    return phase;
}

Phase muon() {
    Phase phase;
    phase.name = "muon";
    phase.title = "Muon recalibration 5-8-8-8-8-3, one muon per request";
    phase.device = "cpu";
    phase.unit = "muons";
    phase.row_shape = {kAnyExtent, 5};
    phase.row_inputs = 5;
    phase.row_outputs = 3;
    phase.questions = 8;  // muons of one crossing, all asked at once
    phase.in_flight = 8;
    phase.tolerance = 1e-5;
    phase.measured = seconds(5);
    phase.fill = fill_with_normal_numbers;
    return phase;
}

Phase facile() {
    Phase phase;
    phase.name = "facile";
    phase.title = "FACILE 47-31-11-3-1, 16,000 rows (2.9 MiB) per request";
    phase.device = "cpu";
    phase.unit = "rows";
    phase.rows = 16'000;
    phase.row_shape = {kAnyExtent, 47};
    phase.row_inputs = 47;
    phase.row_outputs = 1;
    phase.tolerance = 1e-5;
    phase.measured = seconds(6);
    phase.fill = fill_with_normal_numbers;
    return phase;
}

Phase accelerator() {
    Phase phase;
    phase.name = "accelerator";
    phase.title = "SIMULATED accelerator, 5 ms + 0.1 ms per row, one row per request";
    phase.device = "accelerator";
    phase.unit = "rows";
    phase.simulated = true;
    phase.row_shape = {kAnyExtent, 8};
    phase.row_inputs = 8;
    phase.row_outputs = 8;
    phase.questions = 16;
    phase.measured = seconds(6);
    phase.sweep = {1, 2, 4, 8, 16};
    phase.fill = fill_with_normal_numbers;
    return phase;
}

}  // namespace

const std::vector<Phase>& all_phases() {
    static const std::vector<Phase> phases = {resnet50(), muon(), facile(), accelerator()};
    return phases;
}

}  // namespace bunch::farm
