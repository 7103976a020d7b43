/// Shows a person what runs and how far it is: a bar that is redrawn on a terminal, one line per
/// step elsewhere. Writes to standard error. One thread.
#pragma once

#include <string>

namespace bunch::muon {

class Progress {
  public:
    explicit Progress(std::string what);

    /// `fraction` that is over, and what can be said so far, e.g. "loss 0.31".
    void update(double fraction, const std::string& so_far);

    /// It is over; `outcome` stays on the screen.
    void end(const std::string& outcome);

  private:
    bool terminal_;
    int last_tenth_ = 0;  ///< that a log, which is no terminal, has a line of
    std::string what_;
};

}  // namespace bunch::muon
