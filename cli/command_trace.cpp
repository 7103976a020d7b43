#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/commands.h"
#include "cli/server_options.h"
#include "protocol/bunch_status.pb.h"

namespace bunch {
namespace {

// More than any daemon keeps: what promises more is none.
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;
constexpr double kMiB = 1024.0 * 1024.0;

struct TraceOptions {
    ServerOptions server;
    std::string file;
};

/// A file that gets its name only once it is whole.
class NewFile {
  public:
    explicit NewFile(const std::string& path)
        : path_(path), part_(path + ".part"), out_(part_, std::ios::binary | std::ios::trunc) {}
    ~NewFile() {
        std::error_code ignored;
        if (!is_done_) std::filesystem::remove(part_, ignored);
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    Status write(const std::string& bytes) {
        out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return out_ ? ok_status() : cannot("write");
    }
    Status finish() {
        out_.close();
        std::error_code error;
        if (out_) std::filesystem::rename(part_, path_, error);
        if (!out_ || error) return cannot("finish");
        is_done_ = true;
        return ok_status();
    }

  private:
    Status cannot(const std::string& what) const {
        return unavailable("cannot " + what + " " + path_ + " (is the folder there, and has it " +
                           "room?)");
    }

    std::string path_;
    std::string part_;
    std::ofstream out_;
    bool is_done_ = false;
};

void show_progress(const Console& console, std::uint64_t bytes, std::uint64_t total) {
    if (::isatty(STDERR_FILENO) == 0) return;
    console.error << fmt::format("\r{:.1f} of {:.1f} MiB", static_cast<double>(bytes) / kMiB,
                                 static_cast<double>(total) / kMiB)
                  << (bytes == total ? "\n" : "") << std::flush;
}

Status fetch(const TraceOptions& options, const Console& console) {
    NewFile file(options.file);
    BUNCH_RETURN_IF_ERROR(file.write({}));
    v1::TraceRequest request;
    v1::TraceResponse response;
    do {
        BUNCH_RETURN_IF_ERROR(options.server.call(ControlMethod::trace, request, response));
        if (response.total_bytes() > kMostBytes || response.piece().empty() ||
            response.piece().size() > response.total_bytes() - request.offset())
            return internal_error("the server's trace does not come as it was announced");
        BUNCH_RETURN_IF_ERROR(file.write(response.piece()));
        request.set_dump(response.dump());
        request.set_offset(request.offset() + response.piece().size());
        show_progress(console, request.offset(), response.total_bytes());
    } while (request.offset() < response.total_bytes());
    BUNCH_RETURN_IF_ERROR(file.finish());
    console.out << fmt::format(
        "{}: {} bytes; {}\n", options.file, response.total_bytes(),
        response.events_before() == 0
            ? "all since the daemon's start"
            : fmt::format("{} earlier events were overwritten", response.events_before()));
    return {};
}

}  // namespace

void add_trace_command(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<TraceOptions>();
    CLI::App* command = app.add_subcommand(
        "trace", "Write what the scheduler was told and decided lately to a file, for replay");
    command->add_option("file", options->file, "The file to write")->required();
    options->server.add_to(*command);
    command->callback([options, &chosen] {
        chosen = [options](const Console& console) { return fetch(*options, console); };
    });
}

}  // namespace bunch
