/// A lock that clang's thread-safety analysis understands: what it guards says so with
/// BUNCH_GUARDED_BY, and an access without the lock does not compile there.
/// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <mutex>

#if defined(__clang__)
#define BUNCH_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define BUNCH_THREAD_ANNOTATION(x)
#endif
#define BUNCH_GUARDED_BY(mutex) BUNCH_THREAD_ANNOTATION(guarded_by(mutex))
#define BUNCH_CAPABILITY(name) BUNCH_THREAD_ANNOTATION(capability(name))
#define BUNCH_SCOPED_CAPABILITY BUNCH_THREAD_ANNOTATION(scoped_lockable)
#define BUNCH_ACQUIRE(...) BUNCH_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define BUNCH_RELEASE(...) BUNCH_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

namespace bunch {

class BUNCH_CAPABILITY("mutex") Mutex {
  public:
    void lock() BUNCH_ACQUIRE() { mutex_.lock(); }
    void unlock() BUNCH_RELEASE() { mutex_.unlock(); }

  private:
    std::mutex mutex_;
};

/// Holds a Mutex for its own lifetime.
class BUNCH_SCOPED_CAPABILITY MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) BUNCH_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
    ~MutexLock() BUNCH_RELEASE() { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

}  // namespace bunch
