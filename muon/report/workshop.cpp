#include "muon/report/workshop.h"

#include <cctype>
#include <chrono>
#include <filesystem>

#include "muon/parallel.h"

namespace bunch::muon {
namespace {

/// A folder's name: letters, digits and underscores.
std::string folder_name(const std::string& what) {
    std::string name;
    for (const char letter : what)
        name += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
    return name;
}

}  // namespace

Status Workshop::run(Task task, const std::vector<Job>& jobs) {
    std::vector<Status> outcomes(jobs.size());
    for_each_piece(jobs.size(), study_.settings.threads, [&](std::size_t i) {
        outcomes[i] = run_one(task, jobs[i]);
        const std::lock_guard lock(mutex_);
        on_step_(++done_, all_, jobs[i].what);
    });
    for (std::size_t i = 0; i < jobs.size(); ++i)
        BUNCH_RETURN_IF_ERROR(outcomes[i].with_context(jobs[i].what));
    return ok_status();
}

Status Workshop::run_one(Task task, const Job& job) const {
    const StudySettings& settings = study_.settings;
    std::string folder;
    if (!settings.folder.empty())
        folder = settings.folder + "/networks/" + std::string(name_of(task)) + "/" +
                 folder_name(job.what);
    BUNCH_ASSIGN_OR_RETURN(job.to->run, made_by(job, folder));
    job.to->score.seconds = job.to->run.results.value("seconds", 0.0);
    return judge(job.to->run, job.to->score);
}

Result<TrainedRun> Workshop::made_by(const Job& job, const std::string& folder) const {
    if (study_.settings.resume && std::filesystem::exists(folder + "/run.json"))
        return read_run(folder);
    const auto begin = std::chrono::steady_clock::now();
    BUNCH_ASSIGN_OR_RETURN(TrainedRun run, job.make());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    run.results = {{"seconds", seconds.count()}};
    if (!folder.empty()) BUNCH_RETURN_IF_ERROR(write_run(folder, run));
    return run;
}

Status Workshop::judge(const TrainedRun& run, Score& score) const {
    BUNCH_ASSIGN_OR_RETURN(score.size, size_of(run));
    if (run.task == Task::recalibration) {
        BUNCH_ASSIGN_OR_RETURN(const Errors errors, evaluate(run, study_.test_muons, 1));
        const ErrorFigures figures = figures_of(errors);
        score.figures = {figures.phi.q68, figures.phi.rms, figures.eta.q68, figures.pt.q68};
        return ok_status();
    }
    BUNCH_ASSIGN_OR_RETURN(const auto scores, muon::score(run, study_.test_pairs, 1));
    BUNCH_ASSIGN_OR_RETURN(const Separation found, separation_of(scores, study_.test_pairs.real));
    score.figures = {found.roc_auc, found.pr_auc, found.rejection_95};
    return ok_status();
}

}  // namespace bunch::muon
