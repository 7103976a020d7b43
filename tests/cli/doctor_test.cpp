#include "cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/run.h"
#include "tests/cli/fake_daemon.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using State = Finding::State;

/// A host in a folder, with an FPGA card for which nothing is missing.
class DoctorTest : public testing::Test {
  protected:
    void SetUp() override {
        write("/proc/cpuinfo",
              "processor : 0\nflags : fpu avx2 avx512f sse\nprocessor : 1\n"
              "flags : fpu avx2 avx512f sse\n");
        write("/sys/bus/pci/devices/0000:65:00.1/vendor", "0x10ee\n");
        link("/sys/bus/pci/devices/0000:65:00.1/driver", "/drivers/xocl");
        write("/sys/module/xocl/version", "2.13.466,abc\n");
        write("/sys/class/drm/renderD128/device/vendor", "0x10ee\n");
        write("/dev/dri/renderD128", "");
        write("/opt/xrt/lib/libxrt_core.so.2", "");
        write("/runners/bunch-runner-xrt", "");
        write("/runners/bunch-runner-cpu", "");
        for (const char* runner : {"/runners/bunch-runner-xrt", "/runners/bunch-runner-cpu"})
            fs::permissions(root() + runner, fs::perms::owner_all);
        variables_["XILINX_XRT"] = "/opt/xrt";
        libraries_["libxrt_coreutil.so.2"] = "/usr/lib/libxrt_coreutil.so.2.13.0";
    }

    std::string root() const { return fs::path(folder_.file("x")).parent_path().string(); }

    void write(const std::string& path, const std::string& text) const {
        fs::create_directories(fs::path(root() + path).parent_path());
        std::ofstream(root() + path) << text;
    }

    void link(const std::string& path, const std::string& to) const {
        fs::create_directories(fs::path(root() + path).parent_path());
        fs::create_symlink(to, root() + path);
    }

    void remove(const std::string& path) const { fs::remove_all(root() + path); }

    HostView host() const {
        HostView host;
        host.root = root();
        host.runner_dir = root() + "/runners";
        host.environment = [this](const char* name) { return find(variables_, name); };
        host.library = [this](const std::string& name) { return find(libraries_, name); };
        return host;
    }

    static std::optional<std::string> find(const std::map<std::string, std::string>& map,
                                           const std::string& key) {
        const auto found = map.find(key);
        if (found == map.end()) return std::nullopt;
        return found->second;
    }

    /// The check of that name when an FPGA is looked at.
    Finding fpga(const std::string& check, bool needed = true) const {
        std::vector<Finding> findings;
        look_at_fpga(host(), needed, findings);
        for (const Finding& finding : findings)
            if (finding.name == check) return finding;
        ADD_FAILURE() << "no check " << check;
        return {};
    }

    TemporaryFolder folder_;
    std::map<std::string, std::string> variables_;
    std::map<std::string, std::string> libraries_;
};

TEST_F(DoctorTest, FindsNothingWrongWithAHostThatHasEverything) {
    std::vector<Finding> findings;
    look_at_fpga(host(), true, findings);
    look_at_cpu(host(), true, findings);

    EXPECT_EQ(findings.size(), 8u);
    for (const Finding& finding : findings) {
        EXPECT_EQ(finding.state, State::well) << finding.name << ": " << finding.what;
        EXPECT_EQ(finding.remedy, "");
    }
    EXPECT_THAT(fpga("card").what, HasSubstr("0000:65:00.1, driver xocl"));
    EXPECT_THAT(fpga("runtime").what, HasSubstr("version 2.13"));
}

TEST_F(DoctorTest, HasASentenceAndARemedyForEachThingThatAnFpgaLacks) {
    libraries_.clear();
    EXPECT_THAT(fpga("runtime").what, HasSubstr("not installed"));
    EXPECT_THAT(fpga("runtime").remedy, HasSubstr("apt install libxrt1"));
    remove("/opt/xrt/lib/libxrt_core.so.2");
    EXPECT_THAT(fpga("XILINX_XRT").what, HasSubstr("/opt/xrt/lib/libxrt_core.so.2 is not there"));
    variables_.clear();
    EXPECT_THAT(fpga("XILINX_XRT").what, HasSubstr("not set"));
    remove("/sys/bus/pci/devices/0000:65:00.1/driver");
    EXPECT_THAT(fpga("card").what, HasSubstr("none has the driver xocl (none)"));
    remove("/sys/bus");
    EXPECT_THAT(fpga("card").what, HasSubstr("no PCI device"));
    remove("/sys/module/xocl");
    EXPECT_THAT(fpga("driver").remedy, HasSubstr("modprobe xocl"));
    remove("/sys/class");
    EXPECT_THAT(fpga("device nodes").what, HasSubstr("no /dev/dri/renderD*"));
    remove("/runners/bunch-runner-xrt");
    EXPECT_THAT(fpga("runner").remedy, HasSubstr("-DBUNCH_BACKEND_XRT=ON"));
    for (const char* check : {"runtime", "XILINX_XRT", "card", "driver", "device nodes", "runner"})
        EXPECT_EQ(fpga(check).state, State::wrong) << check;
    for (const char* check : {"runtime", "XILINX_XRT", "card", "driver", "device nodes", "runner"})
        EXPECT_EQ(fpga(check, false).state, State::absent) << check;
}

TEST_F(DoctorTest, SeesADriverThatIsNotOfTheRuntimesVersion) {
    write("/sys/module/xocl/version", "2.15.225,abc\n");

    const Finding finding = fpga("driver", false);

    EXPECT_EQ(finding.state, State::wrong);
    EXPECT_THAT(finding.what, HasSubstr("xocl is of version 2.15, the runtime of 2.13"));
}

TEST_F(DoctorTest, SaysThatAnEmulatedCardIsOneAndLooksForNoReal) {
    remove("/sys");
    variables_["XCL_EMULATION_MODE"] = "hw_emu";
    std::vector<Finding> findings;
    look_at_fpga(host(), true, findings);

    EXPECT_EQ(findings.size(), 3u);
    EXPECT_THAT(fpga("XILINX_XRT").what, HasSubstr("EMULATED"));
}

TEST_F(DoctorTest, TellsTheVectorsOfTheProcessor) {
    const auto processor = [this] {
        std::vector<Finding> findings;
        look_at_cpu(host(), false, findings);
        return findings.front();
    };

    EXPECT_THAT(processor().what, HasSubstr("2 logical processors, vectors: AVX-512"));
    write("/proc/cpuinfo", "processor : 0\nflags : fpu avx2\n");
    EXPECT_THAT(processor().what, HasSubstr("AVX2"));
    write("/proc/cpuinfo", "processor : 0\nflags : fpu\n");
    EXPECT_EQ(processor().state, State::absent);
}

TEST_F(DoctorTest, LooksForAGpuAndItsDriver) {
    const auto findings = [this] {
        std::vector<Finding> found;
        look_at_gpu(host(), true, found);
        return found;
    };
    EXPECT_THAT(findings().front().what, HasSubstr("no PCI device of NVIDIA"));

    write("/sys/bus/pci/devices/0000:17:00.0/vendor", "0x10de\n");
    for (const Finding& finding : findings())
        EXPECT_EQ(finding.state == State::well, finding.name == "card") << finding.name;
    write("/sys/module/nvidia/version", "535.1\n");
    write("/dev/nvidia0", "");
    libraries_["libcuda.so.1"] = "/usr/lib/libcuda.so.535.1";
    for (const Finding& finding : findings()) EXPECT_EQ(finding.state, State::well);
}

TEST_F(DoctorTest, ReadsTheModelsOfAConfiguration) {
    write("/b.toml",
          "[[device]]\nname = \"fpga0\"\nbackend = \"xrt\"\n"
          "[[model]]\nname = \"m\"\npath = \"m.toml\"\n");
    write("/m.toml", "kernel = \"k\"\n");
    std::vector<Finding> findings;

    EXPECT_TRUE(look_at_config(root() + "/b.toml", findings));
    ASSERT_EQ(findings.size(), 2u);
    EXPECT_EQ(findings[1].name, "model m");
    EXPECT_THAT(findings[1].what, HasSubstr("m.toml:1: the manifest has no xclbin"));
    findings.clear();
    EXPECT_FALSE(look_at_config(root() + "/absent.toml", findings));
    EXPECT_THAT(findings.front().what, HasSubstr("cannot be read"));
}

TEST_F(DoctorTest, EndsWithOneWhenSomethingThatIsConfiguredIsWrong) {
    write("/b.toml",
          "[server]\nrunner_dir = \"runners\"\n[[device]]\nname = \"fpga0\"\nbackend = \"xrt\"\n"
          "[[model]]\nname = \"m\"\npath = \"m.toml\"\n");
    const std::string config = root() + "/b.toml";
    const char* with[] = {"bunch", "doctor", "--config", config.c_str()};
    const char* without[] = {"bunch", "doctor", "--json"};
    std::ostringstream out, error;

    EXPECT_EQ(run(4, with, {out, error}), 1);
    EXPECT_THAT(out.str(), HasSubstr("m.toml"));
    EXPECT_THAT(error.str(), HasSubstr("checks found something wrong"));
    EXPECT_EQ(run(3, without, {out, error}), 0);
}

}  // namespace
}  // namespace bunch
