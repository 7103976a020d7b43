/// The library that XRT's loader opens in place of a card's driver: its C interface over card.h.
/// Everything above it, down to the command packets, is stock XRT. Never installed with the daemon.
///
/// XRT needs the C++ side of a shim, too; that comes from objects of Debian's static archives
/// (CMakeLists.txt), for which a few functions of the software emulation are defined at the end.
#include <xclbin.h>
#include <xrt.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "backends/xrt/emulation/card.h"

namespace xrt_core {

// Exported by libxrt_coreutil, declared in no public header.
class device {
  public:
    void register_axlf(const axlf* top);
};
std::shared_ptr<device> get_userpf_device(void* handle, unsigned index);

namespace query {
enum class key_type;
}  // namespace query

}  // namespace xrt_core

using bunch::emulation::Card;
using bunch::emulation::CardBuffer;
using bunch::emulation::CardHandle;
using bunch::emulation::CardMemory;

namespace {

CardHandle& handle_of(xclDeviceHandle handle) {
    return *static_cast<CardHandle*>(handle);
}

CardMemory& memory_of(xclDeviceHandle handle) {
    return handle_of(handle).card().memory();
}

xclBufferHandle allocated(std::int64_t result) {
    if (result > 0) return static_cast<xclBufferHandle>(result);
    errno = static_cast<int>(-result);
    return NULLBO;
}

/// Whatever is thrown here must not reach XRT's C frames.
template <typename Call>
int guarded(Call call) {
    try {
        return call();
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    } catch (...) {
        return -EIO;
    }
}

}  // namespace

extern "C" {

unsigned xclProbe() {
    unsigned count = 0;
    while (count < 16 && Card::at(count) != nullptr) ++count;
    return count;
}

unsigned xclVersion() {
    return 2;
}

xclDeviceHandle xclOpen(unsigned index, const char*, xclVerbosityLevel) {
    Card* const card = Card::at(index);
    if (card == nullptr) {
        errno = ENODEV;
        return nullptr;
    }
    auto handle = std::make_unique<CardHandle>(*card);
    handle->xrt_device = xrt_core::get_userpf_device(handle.get(), index);
    return handle.release();
}

void xclClose(xclDeviceHandle handle) {
    const std::unique_ptr<CardHandle> closed(static_cast<CardHandle*>(handle));
    closed->card().leave(*closed);
}

int xclGetDeviceInfo2(xclDeviceHandle handle, xclDeviceInfo2* info) {
    const auto& settings = handle_of(handle).card().settings();
    *info = {};
    info->mMagic = 0X586C0C6C;
    std::strncpy(info->mName, settings.name.c_str(), sizeof info->mName - 1);
    info->mNumClocks = 1;
    info->mOCLFrequency[0] = static_cast<unsigned short>(settings.clock_mhz);
    info->mDataAlignment = 4096;
    info->mMigCalib = true;
    return handle_of(handle).card().health();
}

int xclLoadXclBin(xclDeviceHandle handle, const axlf* file) {
    return guarded([&] {
        const std::span bytes(reinterpret_cast<const std::byte*>(file),
                              static_cast<std::size_t>(file->m_header.m_length));
        const int result = handle_of(handle).card().load(bytes);
        if (result == 0)
            std::static_pointer_cast<xrt_core::device>(handle_of(handle).xrt_device)
                ->register_axlf(file);
        return result;
    });
}

int xclReClock2(xclDeviceHandle, unsigned short, const unsigned short*) {
    return -EOPNOTSUPP;
}

int xclOpenContext(xclDeviceHandle handle, const xuid_t uuid, unsigned unit, bool shared) {
    bunch::fpga::Uuid design;
    std::memcpy(design.data(), uuid, design.size());
    return guarded([&] {
        return handle_of(handle).card().open_context(handle_of(handle), design, unit, shared);
    });
}

int xclCloseContext(xclDeviceHandle handle, const xuid_t, unsigned unit) {
    return handle_of(handle).card().close_context(handle_of(handle), unit);
}

xclBufferHandle xclAllocBO(xclDeviceHandle handle, size_t size, int, unsigned flags) {
    return allocated(handle_of(handle).card().allocate(size, flags, nullptr));
}

xclBufferHandle xclAllocUserPtrBO(xclDeviceHandle handle, void* user, size_t size, unsigned flags) {
    return allocated(handle_of(handle).card().allocate(size, flags, user));
}

void xclFreeBO(xclDeviceHandle handle, xclBufferHandle buffer) {
    handle_of(handle).card().free(buffer);
}

void* xclMapBO(xclDeviceHandle handle, xclBufferHandle buffer, bool) {
    CardBuffer* const found = memory_of(handle).find(buffer);
    return found == nullptr ? nullptr : found->host;
}

int xclUnmapBO(xclDeviceHandle, xclBufferHandle, void*) {
    return 0;
}

int xclSyncBO(xclDeviceHandle handle, xclBufferHandle buffer, xclBOSyncDirection direction,
              size_t size, size_t offset) {
    Card& card = handle_of(handle).card();
    if (const int error = card.health(); error != 0) return error;
    return card.memory().sync(buffer, direction == XCL_BO_SYNC_BO_TO_DEVICE, size, offset);
}

int xclCopyBO(xclDeviceHandle, xclBufferHandle, xclBufferHandle, size_t, size_t, size_t) {
    return -EOPNOTSUPP;
}

int xclGetBOProperties(xclDeviceHandle handle, xclBufferHandle buffer,
                       xclBOProperties* properties) {
    const CardBuffer* const found = memory_of(handle).find(buffer);
    if (found == nullptr) return -ENOENT;
    *properties = {};
    properties->handle = buffer;
    properties->flags = found->flags;
    properties->size = found->bytes;
    properties->paddr = found->address;
    return 0;
}

xclBufferExportHandle xclExportBO(xclDeviceHandle, xclBufferHandle) {
    return NULLBOEXPORT;
}

xclBufferHandle xclImportBO(xclDeviceHandle, xclBufferExportHandle, unsigned) {
    return NULLBO;
}

int xclExecBuf(xclDeviceHandle handle, xclBufferHandle command) {
    return guarded([&] { return handle_of(handle).card().execute(handle_of(handle), command); });
}

int xclExecWait(xclDeviceHandle handle, int milliseconds) {
    return handle_of(handle).wait(milliseconds);
}

int xclRegRead(xclDeviceHandle, uint32_t, uint32_t, uint32_t*) {
    return -EOPNOTSUPP;
}

int xclRegWrite(xclDeviceHandle, uint32_t, uint32_t, uint32_t) {
    return -EOPNOTSUPP;
}

int xclP2pEnable(xclDeviceHandle, bool, bool) {
    return -EOPNOTSUPP;
}

ssize_t xclUnmgdPread(xclDeviceHandle, unsigned, void*, size_t, uint64_t) {
    return -EOPNOTSUPP;
}

ssize_t xclUnmgdPwrite(xclDeviceHandle, unsigned, const void*, size_t, uint64_t) {
    return -EOPNOTSUPP;
}

size_t xclRead(xclDeviceHandle, xclAddressSpace, uint64_t, void*, size_t) {
    return 0;
}

size_t xclWrite(xclDeviceHandle, xclAddressSpace, uint64_t, const void*, size_t) {
    return 0;
}

}  // extern "C"

int xclUpdateSchedulerStat(void*) {
    return 0;
}

int xclInternalResetDevice(void*, xclResetKind) {
    return -EOPNOTSUPP;
}

int xclCmaEnable(void*, bool, uint64_t) {
    return -EOPNOTSUPP;
}

int xclCloseExportHandle(int) {
    return -EOPNOTSUPP;
}

namespace xclcpuemhal2 {

class CpuemShim {
  public:
    static CpuemShim* handleCheck(void*);
    unsigned deviceQuery(xrt_core::query::key_type);
};

CpuemShim* CpuemShim::handleCheck(void*) {
    return nullptr;
}

unsigned CpuemShim::deviceQuery(xrt_core::query::key_type) {
    return 0;
}

}  // namespace xclcpuemhal2
