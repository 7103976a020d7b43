/// The numbers behind metrics: plain cells that one thread writes at the cost of an ordinary store
/// and any thread may read. Names, labels and text are the business of metrics.h and exposition.h.
///
/// One writer per cell: increments are a load and a store, not an atomic addition.
#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "core/check.h"

namespace bunch {

/// Only grows.
class Counter {
  public:
    void add(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    /// For a total that is kept elsewhere; `total` must not be below the last one.
    void set_total(std::uint64_t total) { value_.store(total, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Grows and shrinks.
class Gauge {
  public:
    void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// What a sensor said last; nothing, if it says nothing.
class Reading {
  public:
    void set(std::optional<double> value) {
        value_.store(value.value_or(kNothing), std::memory_order_relaxed);
    }
    std::optional<double> value() const {
        const double value = value_.load(std::memory_order_relaxed);
        if (std::isnan(value)) return std::nullopt;
        return value;
    }

  private:
    static constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    std::atomic<double> value_{kNothing};
};

/// How often which size was seen. `bounds` are the inclusive upper limits of all buckets but the
/// last, ascending, at most kMaxBounds, and outlive the histogram.
class Histogram {
  public:
    static constexpr std::size_t kMaxBounds = 18;

    explicit Histogram(std::span<const std::uint64_t> bounds) : bounds_(bounds) {
        BUNCH_CHECK(bounds.size() <= kMaxBounds);
    }

    /// Counts `value` as seen `times` times.
    void observe(std::uint64_t value, std::uint64_t times = 1) {
        std::size_t bucket = 0;
        while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
        counts_[bucket].add(times);
        sum_.store(sum_.load(std::memory_order_relaxed) +
                       static_cast<double>(value) * static_cast<double>(times),
                   std::memory_order_relaxed);
    }

    std::span<const std::uint64_t> bounds() const { return bounds_; }
    /// Of bucket `index` alone, 0 <= index <= bounds().size().
    std::uint64_t count(std::size_t index) const { return counts_[index].value(); }
    /// Of all buckets.
    std::uint64_t total() const {
        std::uint64_t all = 0;
        for (const Counter& count : counts_) all += count.value();
        return all;
    }
    double sum() const { return sum_.load(std::memory_order_relaxed); }

  private:
    std::span<const std::uint64_t> bounds_;
    std::array<Counter, kMaxBounds + 1> counts_;
    std::atomic<double> sum_{0};
};

}  // namespace bunch
