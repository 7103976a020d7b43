/// The phases of the demonstration: which model, how large a request, how long. Data, no behaviour.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/shape.h"
#include "core/time.h"
#include "zoo/random.h"

namespace bunch::farm {

/// SIMULATED accelerator: a batch of n rows takes kAcceleratorFixed + n * kAcceleratorPerRow. The
/// device "accelerator" of config/demo.toml has the same figures.
inline constexpr Duration kAcceleratorFixed = std::chrono::milliseconds(5);
inline constexpr Duration kAcceleratorPerRow = std::chrono::microseconds(100);

struct Phase {
    std::string name;    ///< of the phase, of the daemon's model, and of the zoo's
    std::string title;   ///< for people
    std::string device;  ///< of the daemon, as config/demo.toml names it
    std::string unit;    ///< of a row: "images"
    bool simulated = false;
    std::uint32_t rows = 1;                       ///< of one request
    std::string input = "input";                  ///< name of the model's only one
    Shape row_shape;                              ///< of the input, dimension 0 open
    std::size_t row_inputs = 0, row_outputs = 0;  ///< floats
    std::size_t questions = 1;                    ///< distinct requests of one worker
    std::size_t in_flight = 1;  ///< open requests of one worker that calls the service
    double tolerance = 0;       ///< of answers, relative to the largest expected number
    Duration warm_up = std::chrono::seconds(1);
    Duration measured = std::chrono::seconds(10);
    std::vector<std::size_t> sweep;  ///< numbers of workers for the curve
    Duration sweep_measured = std::chrono::seconds(2);
    void (*fill)(std::span<float> row, Random& random) = nullptr;

    std::size_t input_floats() const { return rows * row_inputs; }
    std::size_t output_floats() const { return rows * row_outputs; }
};

/// In the order in which they are shown.
const std::vector<Phase>& all_phases();

}  // namespace bunch::farm
