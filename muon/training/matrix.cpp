#include "muon/training/matrix.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

#include "core/check.h"

namespace bunch::muon {
namespace {

// oneDNN's threads are OpenMP's, a number that each thread has for itself. Looked up at run time:
// two OpenMP libraries in one process would not know of each other.
void stay_on_this_thread() {
    using SetThreads = void (*)(int);
    static const auto set =
        reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    thread_local bool done = false;
    if (done || set == nullptr) return;
    set(1);
    done = true;
}

void product(char a_form, char b_form, std::size_t m, std::size_t n, std::size_t k, const float* a,
             std::size_t lda, const float* b, std::size_t ldb, float* c) {
    stay_on_this_thread();
    const auto in = [](std::size_t extent) { return static_cast<dnnl_dim_t>(extent); };
    BUNCH_CHECK(dnnl_sgemm(a_form, b_form, in(m), in(n), in(k), 1, a, in(lda), b, in(ldb), 0, c,
                           in(n)) == dnnl_success);
}

}  // namespace

void multiply(const float* x, const float* w, float* y, std::size_t rows, std::size_t inputs,
              std::size_t outputs) {
    product('N', 'T', rows, outputs, inputs, x, inputs, w, inputs, y);
}

void multiply_back(const float* dy, const float* w, float* dx, std::size_t rows, std::size_t inputs,
                   std::size_t outputs) {
    product('N', 'N', rows, inputs, outputs, dy, outputs, w, inputs, dx);
}

void multiply_gradient(const float* dy, const float* x, float* dw, std::size_t rows,
                       std::size_t inputs, std::size_t outputs) {
    product('T', 'N', outputs, inputs, rows, dy, outputs, x, inputs, dw);
}

}  // namespace bunch::muon
