/// Shows a person what runs and how far it is: a bar that is redrawn on a terminal, one line per
/// step elsewhere. Writes to standard error.
#pragma once

#include <cstddef>
#include <string>

namespace bunch::farm {

class Progress {
  public:
    /// `steps`: how many begin() will be seen in total, for "3/11".
    explicit Progress(std::size_t steps);

    void begin(const std::string& what);

    /// `fraction` of the step that is over, and what can be said so far, e.g. "27.1 images/s".
    void update(double fraction, const std::string& so_far);

    /// The step is over; `outcome` stays on the screen.
    void end(const std::string& outcome);

  private:
    bool terminal_;
    std::size_t steps_, step_ = 0;
    std::string what_;
};

}  // namespace bunch::farm
