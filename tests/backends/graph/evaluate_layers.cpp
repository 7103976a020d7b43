// Convolutions, pools and matrix products.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/backends/graph/evaluate.h"

namespace bunch::test_network {
namespace {

struct Sliding {
    Extents kernel, strides, dilations, begin, outputs;
};

// The window of a task on an image of these extents.
Sliding sliding(const Task& task, const Extents& image, const Extents& kernel) {
    Sliding window{kernel, task.list("strides", {1, 1}), task.list("dilations", {1, 1}), {}, {}};
    const Extents pads = task.list("pads", {0, 0, 0, 0});
    const std::string automatic = task.text("auto_pad", "NOTSET");
    for (std::size_t i = 0; i < 2; ++i) {
        const std::int64_t size = image[i + 2], stride = window.strides[i];
        const std::int64_t reach = (kernel[i] - 1) * window.dilations[i] + 1;
        std::int64_t begin = pads[i], outputs = 0;
        if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
            outputs = (size + stride - 1) / stride;
            const std::int64_t total =
                std::max<std::int64_t>(0, (outputs - 1) * stride + reach - size);
            begin = automatic == "SAME_UPPER" ? total / 2 : (total + 1) / 2;
        } else if (automatic == "VALID") {
            begin = 0;
            outputs = (size - reach) / stride + 1;
        } else {
            const std::int64_t room = size + pads[i] + pads[i + 2] - reach;
            outputs = room / stride + 1;
            if (task.integer("ceil_mode", 0) != 0) {
                outputs = (room + stride - 1) / stride + 1;
                if ((outputs - 1) * stride >= size + pads[i]) --outputs;
            }
        }
        window.begin.push_back(begin);
        window.outputs.push_back(outputs);
    }
    return window;
}

std::size_t at4(const Extents& extents, std::int64_t a, std::int64_t b, std::int64_t c,
                std::int64_t d) {
    return static_cast<std::size_t>(((a * extents[1] + b) * extents[2] + c) * extents[3] + d);
}

// Calls visit(image position or -1 where padding, position in the kernel) for one output.
template <typename Visit>
void for_window(const Sliding& window, const Extents& image, std::int64_t row, std::int64_t column,
                Visit visit) {
    for (std::int64_t i = 0; i < window.kernel[0]; ++i) {
        for (std::int64_t j = 0; j < window.kernel[1]; ++j) {
            const std::int64_t h =
                row * window.strides[0] - window.begin[0] + i * window.dilations[0];
            const std::int64_t w =
                column * window.strides[1] - window.begin[1] + j * window.dilations[1];
            const bool inside = h >= 0 && h < image[2] && w >= 0 && w < image[3];
            visit(inside ? h * image[3] + w : -1, i * window.kernel[1] + j);
        }
    }
}

}  // namespace

Array convolve(const Task& task) {
    const Array &x = task.inputs[0], &weights = task.inputs[1];
    const Sliding window = sliding(task, x.extents, {weights.extents[2], weights.extents[3]});
    const std::int64_t groups = task.integer("group", 1);
    const std::int64_t outputs = weights.extents[0], inputs = weights.extents[1];
    Array y{{x.extents[0], outputs, window.outputs[0], window.outputs[1]}, {}};
    y.numbers.resize(count(y.extents));
    for (std::int64_t n = 0; n < y.extents[0]; ++n)
        for (std::int64_t m = 0; m < outputs; ++m)
            for (std::int64_t h = 0; h < y.extents[2]; ++h)
                for (std::int64_t w = 0; w < y.extents[3]; ++w) {
                    double sum = task.inputs.size() > 2
                                     ? task.inputs[2].numbers[static_cast<std::size_t>(m)]
                                     : 0.0;
                    for (std::int64_t c = 0; c < inputs; ++c) {
                        const std::int64_t channel = m / (outputs / groups) * inputs + c;
                        const std::size_t image = at4(x.extents, n, channel, 0, 0);
                        const std::size_t kernel = at4(weights.extents, m, c, 0, 0);
                        for_window(window, x.extents, h, w, [&](std::int64_t from, std::int64_t k) {
                            if (from >= 0)
                                sum += x.numbers[image + static_cast<std::size_t>(from)] *
                                       weights.numbers[kernel + static_cast<std::size_t>(k)];
                        });
                    }
                    y.numbers[at4(y.extents, n, m, h, w)] = sum;
                }
    return y;
}

Array pool(const Task& task) {
    const Array& x = task.inputs[0];
    const bool max = task.operation.type == "MaxPool";
    const bool padding_counts = task.integer("count_include_pad", 0) != 0;
    const Sliding window =
        sliding(task, x.extents, task.list("kernel_shape", {x.extents[2], x.extents[3]}));
    Array y{{x.extents[0], x.extents[1], window.outputs[0], window.outputs[1]}, {}};
    y.numbers.resize(count(y.extents));
    for (std::int64_t n = 0; n < y.extents[0]; ++n)
        for (std::int64_t c = 0; c < y.extents[1]; ++c)
            for (std::int64_t h = 0; h < y.extents[2]; ++h)
                for (std::int64_t w = 0; w < y.extents[3]; ++w) {
                    const std::size_t image = at4(x.extents, n, c, 0, 0);
                    double sum = 0, most = -std::numeric_limits<double>::infinity();
                    int visited = 0;
                    for_window(window, x.extents, h, w, [&](std::int64_t from, std::int64_t) {
                        if (from < 0 && padding_counts) ++visited;
                        if (from < 0) return;
                        ++visited;
                        const double number = x.numbers[image + static_cast<std::size_t>(from)];
                        sum += number;
                        most = std::max(most, number);
                    });
                    y.numbers[at4(y.extents, n, c, h, w)] = max ? most : sum / visited;
                }
    return y;
}

Array gemm(const Task& task) {
    const Array &a = task.inputs[0], &b = task.inputs[1];
    const bool transposed = task.integer("transB", 0) != 0;
    const double alpha = task.number("alpha", 1), beta = task.number("beta", 1);
    const std::int64_t k = a.extents[1], m = b.extents[transposed ? 0 : 1];
    Array y{{a.extents[0], m}, {}};
    for (std::int64_t i = 0; i < a.extents[0]; ++i)
        for (std::int64_t j = 0; j < m; ++j) {
            double sum = 0;
            for (std::int64_t l = 0; l < k; ++l)
                sum += a.numbers[static_cast<std::size_t>(i * k + l)] *
                       b.numbers[static_cast<std::size_t>(transposed ? j * k + l : l * m + j)];
            sum *= alpha;
            if (task.inputs.size() > 2) {
                const auto& c = task.inputs[2].numbers;
                sum += beta * c[c.size() == 1 ? 0 : static_cast<std::size_t>(j)];
            }
            y.numbers.push_back(sum);
        }
    return y;
}

// b is one matrix for all, or has as many as a.
Array mat_mul(const Task& task) {
    const Array &a = task.inputs[0], &b = task.inputs[1];
    const std::size_t rank = a.extents.size();
    const std::int64_t rows = a.extents[rank - 2], k = a.extents[rank - 1];
    const std::int64_t m = b.extents.back();
    Array y{a.extents, {}};
    y.extents[rank - 1] = m;
    const auto matrices = static_cast<std::int64_t>(count(a.extents)) / (rows * k);
    const bool many = b.extents.size() > 2;
    for (std::int64_t n = 0; n < matrices; ++n)
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < m; ++j) {
                double sum = 0;
                for (std::int64_t l = 0; l < k; ++l)
                    sum += a.numbers[static_cast<std::size_t>((n * rows + i) * k + l)] *
                           b.numbers[static_cast<std::size_t>((many ? n * k * m : 0) + l * m + j)];
                y.numbers.push_back(sum);
            }
    return y;
}

}  // namespace bunch::test_network
