#include "muon/recipes.h"

#include "muon/training/equalisation.h"
#include "muon/training/forward.h"
#include "muon/training/transfer.h"

namespace bunch::muon {
namespace {

nlohmann::json json_of(const TrainSettings& settings) {
    return {{"epochs", settings.epochs},
            {"batch", settings.batch},
            {"rate", settings.rate},
            {"decay", settings.decay},
            {"distillation", settings.distillation},
            {"sparsity", settings.pruning.sparsity},
            {"pruning_begin", settings.pruning.begin},
            {"pruning_end", settings.pruning.end},
            {"seed", settings.seed}};
}

/// `training` itself, or `copy`: the same with a teacher's answers, where there is one.
Result<const Dataset*> taught(const Dataset& training, const TrainedRun* teacher,
                              const TrainSettings& settings, Dataset& copy) {
    if (teacher == nullptr && settings.distillation != 0)
        return invalid_argument("a distillation of " + std::to_string(settings.distillation) +
                                " needs a teacher; give both or none");
    if (teacher == nullptr) return &training;
    if (!(settings.distillation > 0))
        return invalid_argument("a teacher counts nothing at a distillation of " +
                                std::to_string(settings.distillation) +
                                "; give the part of the loss that it has, above 0 to 1, or no "
                                "teacher");
    if (teacher->task != training.task || teacher->encoding != training.encoding)
        return invalid_argument("the teacher differs from the network in task or encoding");
    copy = training;
    copy.soft =
        predict(teacher->model.network, teacher->model.plan_or_null(), copy.x, settings.threads);
    return &copy;
}

}  // namespace

TaskData split(const Dataset& all) {
    const std::size_t border = all.rows - all.rows / 10;
    return {rows_of(all, 0, border), rows_of(all, border, all.rows)};
}

Result<TrainedRun> train_float(const TaskData& data, const FloatRecipe& recipe,
                               const OnEpoch& on_epoch) {
    std::vector<std::size_t> widths = {data.training.inputs};
    for (const std::size_t width : recipe.hidden) {
        if (width == 0 || width > 4096)
            return invalid_argument("a hidden layer of " + std::to_string(width) +
                                    " units is not possible; choose 1 to 4096");
        widths.push_back(width);
    }
    widths.push_back(data.training.outputs);
    TrainedRun run;
    run.task = data.training.task;
    run.encoding = data.training.encoding;
    run.model.network = draw_network(widths, recipe.training.seed);
    if (recipe.start != nullptr)
        BUNCH_RETURN_IF_ERROR(transfer(recipe.start->model.network, run.model.network));
    Dataset copy;
    BUNCH_ASSIGN_OR_RETURN(const Dataset* training,
                           taught(data.training, recipe.teacher, recipe.training, copy));
    BUNCH_ASSIGN_OR_RETURN(run.curve,
                           train(*training, data.validation, recipe.training, run.model, on_epoch));
    run.settings = json_of(recipe.training);
    run.settings["hidden"] = recipe.hidden;
    if (recipe.start != nullptr) run.settings["transfer"] = identity_of(*recipe.start);
    if (recipe.teacher != nullptr) run.settings["teacher"] = identity_of(*recipe.teacher);
    return run;
}

Result<TrainedRun> compress(const TaskData& data, const TrainedRun& start,
                            const CompressRecipe& recipe, const OnEpoch& on_epoch) {
    if (start.task != data.training.task || start.encoding != data.training.encoding)
        return invalid_argument("the network and the sample differ in task or encoding");
    if (start.encoding != Encoding::folded)
        return invalid_argument("only networks with the folded encoding can be compressed");
    TrainedRun run;
    run.task = start.task;
    run.encoding = start.encoding;
    run.model.network = start.model.network;
    if (recipe.equalised) equalise(first_rows(data.training, kCalibrationRows), run.model.network);
    Dataset copy;
    BUNCH_ASSIGN_OR_RETURN(const Dataset* training,
                           taught(data.training, recipe.teacher, recipe.training, copy));
    BUNCH_RETURN_IF_ERROR(check(recipe.plan));
    if (recipe.aware) run.model.plan = recipe.plan;
    BUNCH_ASSIGN_OR_RETURN(run.curve,
                           train(*training, data.validation, recipe.training, run.model, on_epoch));
    if (!recipe.aware) {
        run.model.plan = recipe.plan;
        calibrate(data.training, run.model);
    }
    run.settings = json_of(recipe.training);
    run.settings["start"] = start.settings;
    run.settings["start_network"] = identity_of(start);
    run.settings["weight_bits"] = recipe.plan.weight_bits;
    run.settings["last_weight_bits"] = recipe.plan.last_weight_bits;
    run.settings["activation_bits"] = recipe.plan.activation_bits;
    run.settings["equalised"] = recipe.equalised;
    run.settings["quantisation_aware"] = recipe.aware;
    if (recipe.teacher != nullptr) run.settings["teacher"] = identity_of(*recipe.teacher);
    return run;
}

}  // namespace bunch::muon
