/// The keys of a scenario file, as they are written: models by name, cases apart. What belongs
/// together is put together by scenario_file.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/simulation/scenario.h"
#include "config/reader.h"

namespace bunch::simulation {

/// A model as another section names it.
struct ModelName {
    std::string name;
    Node node;  ///< where it is written
};

struct WrittenCurve {
    Curve curve;
    ModelName model;
};

struct WrittenClass {
    DeviceClass one;
    std::vector<WrittenCurve> curves;
    std::vector<ModelName> holds;
};

struct WrittenStep {
    Step step;
    ModelName model;
};

struct WrittenFarm {
    Farm farm;
    std::vector<WrittenStep> steps;
};

/// What one case of the file has different.
struct WrittenCase {
    std::string name;
    std::optional<double> beat;
    std::optional<double> load;
    std::optional<std::uint32_t> clients;
    std::vector<double> tenant_loads;
};

struct WrittenScenario {
    Scenario scenario;  ///< without what the other members hold
    std::vector<WrittenClass> classes;
    std::optional<WrittenFarm> farm;
    std::vector<WrittenCase> cases;
};

/// Reads the whole document; what is wrong with single values goes into `problems`.
WrittenScenario read_scenario(Problems& problems, const Node& document);

/// Every key that a file may contain, as "span" or "class.runs.fixed".
std::vector<std::string> scenario_keys();

}  // namespace bunch::simulation
