#include "bench/simulation/bound.h"

#include <glpk.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace bunch::simulation {
namespace {

// Times in the programme are in milliseconds, which keeps its numbers near one.
constexpr double kMillisecond = 1e-3;

/// Devices of a class that hold the same.
struct Group {
    const DeviceClass* of_class = nullptr;
    double devices = 0;
    std::optional<std::size_t> held;  ///< only this model
};

std::vector<Group> groups_of(const Scenario& scenario) {
    std::vector<Group> groups;
    for (const DeviceClass& one : scenario.classes) {
        if (one.reconfiguration == Duration::zero()) {
            groups.push_back({&one, static_cast<double>(one.devices), std::nullopt});
            continue;
        }
        for (const std::size_t model : one.holds) groups.push_back({&one, 1, model});
    }
    return groups;
}

/// Columns: the rate; per group and number of busy lanes, the devices that are in that state; per
/// further model and rows, batches per millisecond.
class Programme {
  public:
    explicit Programme(const Scenario& scenario)
        : scenario_(scenario), lp_(glp_create_prob(), glp_delete_prob) {
        glp_set_obj_dir(lp_.get(), GLP_MAX);
        rate_ = add_column();
        glp_set_obj_coef(lp_.get(), rate_, 1);
        add_models();
        if (scenario.farm && scenario.bound == BoundKind::programme) add_population();
        for (const Group& group : groups_of(scenario)) add_group(group);
    }

    Result<double> solve();

  private:
    int add_column() {
        const int column = glp_add_cols(lp_.get(), 1);
        glp_set_col_bnds(lp_.get(), column, GLP_LO, 0, 0);
        return column;
    }
    int add_row(int kind, double bound) {
        const int row = glp_add_rows(lp_.get(), 1);
        glp_set_row_bnds(lp_.get(), row, kind, bound, bound);
        return row;
    }
    void set(int row, int column, double value) {
        rows_.push_back(row);
        columns_.push_back(column);
        values_.push_back(value);
    }
    void add_models();
    void add_population();
    void add_group(const Group& group);
    void add_batches(const Group& group, const Curve& curve, std::uint32_t busy, int time_row);

    const Scenario& scenario_;
    std::unique_ptr<glp_prob, void (*)(glp_prob*)> lp_;
    int rate_ = 0;
    std::vector<int> served_;  ///< per model, a row
    int population_ = 0;
    std::vector<int> rows_{0};  // GLPK counts from one
    std::vector<int> columns_{0};
    std::vector<double> values_{0};
};

/// Requests per second of each model when the whole rate is one.
std::vector<double> parts_of(const Scenario& scenario) {
    if (!scenario.farm) return normalised_mix(scenario);
    std::vector<double> parts(scenario.models.size());
    for (const Step& step : scenario.farm->steps) parts[step.model] += 1;
    for (double& part : parts) part /= static_cast<double>(scenario.farm->steps.size());
    return parts;
}

/// rows that run >= rows that are asked for
void Programme::add_models() {
    const std::vector<double> parts = parts_of(scenario_);
    for (std::size_t m = 0; m < parts.size(); ++m) {
        served_.push_back(add_row(GLP_LO, 0));
        set(served_[m], rate_, -parts[m] * scenario_.models[m].rows);
    }
}

/// clients that think + clients whose request runs <= all clients
void Programme::add_population() {
    double think = 0;
    for (const Step& step : scenario_.farm->steps) think += to_seconds(step.think);
    think /= static_cast<double>(scenario_.farm->steps.size());
    population_ = add_row(GLP_UP, scenario_.farm->clients);
    set(population_, rate_, think / kMillisecond);
}

void Programme::add_group(const Group& group) {
    const int devices = add_row(GLP_UP, group.devices);
    for (std::uint32_t busy = 1; busy <= group.of_class->lanes; ++busy) {
        const int state = add_column();
        set(devices, state, 1);
        const int time = add_row(GLP_UP, 0);  // run times <= busy lanes of the devices
        set(time, state, -static_cast<double>(busy));
        for (const Curve& curve : group.of_class->curves)
            if (!group.held || *group.held == curve.model) add_batches(group, curve, busy, time);
    }
}

void Programme::add_batches(const Group& group, const Curve& curve, std::uint32_t busy,
                            int time_row) {
    const SimulatedModel& model = scenario_.models[curve.model];
    double factor = 1;
    for (const SpeedChange& change : group.of_class->changes)
        if (change.at == Duration::zero()) factor = change.factor;
    for (std::uint32_t rows = 1; rows <= curve.max_rows; ++rows) {
        const double run = mean_run_seconds(curve, rows, busy - 1) * factor;
        if (scenario_.deadlines && model.objective && run > to_seconds(*model.objective)) break;
        const int column = add_column();
        set(served_[curve.model], column, rows);
        set(time_row, column, run / kMillisecond);
        if (population_ != 0) set(population_, column, run / kMillisecond * rows / model.rows);
    }
}

Result<double> Programme::solve() {
    glp_load_matrix(lp_.get(), static_cast<int>(values_.size()) - 1, rows_.data(), columns_.data(),
                    values_.data());
    glp_smcp options;
    glp_init_smcp(&options);
    options.msg_lev = GLP_MSG_OFF;
    if (glp_simplex(lp_.get(), &options) != 0 || glp_get_status(lp_.get()) != GLP_OPT)
        return unavailable("the linear programme of scenario '" + scenario_.name +
                           "' has no finite optimum (is there a model without a device, or a "
                           "farm whose steps take no time?)");
    return glp_get_obj_val(lp_.get()) / kMillisecond;
}

/// All clients of a farm in one batch, again and again.
double lockstep_rate(const Scenario& scenario) {
    const Farm& farm = *scenario.farm;
    const Curve& curve = *scenario.classes.front().curve_of(farm.steps.front().model);
    const std::uint32_t rows = farm.clients * scenario.models[curve.model].rows;
    return farm.clients / (mean_run_seconds(curve, rows, 0) + to_seconds(farm.steps.front().think));
}

/// The shortest run of one request alone; infinite if no class runs the model.
double quickest_run(const Scenario& scenario, std::size_t model) {
    double quickest = std::numeric_limits<double>::infinity();
    for (const DeviceClass& one : scenario.classes)
        if (const Curve* curve = one.curve_of(model))
            quickest = std::min(quickest, mean_run_seconds(*curve, scenario.models[model].rows, 0));
    return quickest;
}

double uncrowded_rate(const Scenario& scenario) {
    double round = 0;
    for (const Step& step : scenario.farm->steps)
        round += to_seconds(step.think) + quickest_run(scenario, step.model);
    return scenario.farm->clients / round;
}

}  // namespace

Result<double> bound_of(const Scenario& scenario) {
    if (scenario.bound == BoundKind::lockstep) return lockstep_rate(scenario);
    glp_term_out(GLP_OFF);
    BUNCH_ASSIGN_OR_RETURN(const double rate, Programme(scenario).solve());
    if (rate <= 0)
        return invalid_argument("scenario '" + scenario.name +
                                "' cannot answer a single request in objective (raise the "
                                "objective of a model, or give it a faster device)");
    if (!scenario.farm) return rate;
    const double rounds = rate / static_cast<double>(scenario.farm->steps.size());
    return scenario.bound == BoundKind::uncrowded ? std::min(rounds, uncrowded_rate(scenario))
                                                  : rounds;
}

}  // namespace bunch::simulation
