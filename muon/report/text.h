/// The report in words and tables (Markdown), and all of its numbers as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "muon/report/hardware.h"
#include "muon/report/study.h"

namespace bunch::muon {

struct ReportInput {
    const Study& study;
    const Hardware& recalibration;
    const Hardware& pair;
    double seconds = 0;  ///< that everything took
    std::string command;
};

std::string markdown_of(const ReportInput& input);
nlohmann::json json_of(const ReportInput& input);
/// The part of it that is known before there is hardware.
nlohmann::json json_of(const Study& study);

}  // namespace bunch::muon
