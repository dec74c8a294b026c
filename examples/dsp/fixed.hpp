// Fixed-point arithmetic: numbers from -1 to just below 1 in 16 bits, as processors without floating point like them.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace fixed {

// A number with `fraction` bits after the point, in `Storage`; sums and products saturate instead of wrapping around.
template <typename Storage, int fraction>
class Number {
public:
    static constexpr int32_t highest = (int32_t{1} << (8 * sizeof(Storage) - 1)) - 1;
    static constexpr int32_t lowest = -highest - 1;

    constexpr Number() = default;
    static constexpr Number raw(int64_t value) {
        Number number;
        number.value_ = static_cast<Storage>(value > highest ? highest : value < lowest ? lowest : value);
        return number;
    }
    constexpr Storage raw() const { return value_; }

    constexpr Number operator+(Number other) const { return raw(int64_t{value_} + other.value_); }
    constexpr Number operator-(Number other) const { return raw(int64_t{value_} - other.value_); }
    constexpr Number operator-() const { return raw(-int64_t{value_}); }
    // The exact product, with twice the bits after the point.
    constexpr int32_t times(Number other) const { return int32_t{value_} * other.value_; }
    constexpr Number operator*(Number other) const { return rounded(times(other)); }
    // From a sum of products.
    static constexpr Number rounded(int64_t products) { return raw((products + (1 << (fraction - 1))) >> fraction); }

private:
    Storage value_ = 0;
};

using Q15 = Number<int16_t, 15>;

static_assert((Q15::raw(16384) * Q15::raw(16384)).raw() == 8192, "a half times a half");
static_assert((Q15::raw(-32768) * Q15::raw(-32768)).raw() == 32767, "saturation");

// A quarter of a sine wave. The constructor computes it from nothing but shifts and sums (CORDIC).
template <size_t steps>
class QuarterSine {
public:
    QuarterSine() {
        for (size_t i = 0; i <= steps; i++) {
            samples_[i] = at_angle(static_cast<int32_t>(i * (quarter_turn / steps)));
        }
    }
    // The sine of an angle in 1/65536 of a turn.
    Q15 operator()(uint16_t angle) const {
        uint32_t within = angle & 0x3fff;
        if (angle & 0x4000) { // falling
            within = 0x4000 - within;
        }
        uint32_t place = within * steps;
        size_t index = place >> 14;
        Q15 value = samples_[index];
        if (index < steps) {
            Q15 part = Q15::raw(static_cast<int32_t>(place & 0x3fff) * 2);
            value = value + (samples_[index + 1] - value) * part;
        }
        return angle & 0x8000 ? -value : value;
    }

private:
    static constexpr int32_t quarter_turn = int32_t{1} << 28;

    static Q15 at_angle(int32_t angle) {
        // Angles whose tangents are 1, 1/2, 1/4 ..., a quarter turn being 2^28.
        static constexpr int32_t turns[] = {
            134217728, 79233352, 41864623, 21251160, 10666834, 5338613, 2669958, 1335061, 667540, 333771,
            166886, 83443, 41721, 20861, 10430, 5215, 2608, 1304, 652, 326,
        };
        int32_t x = 652032874, y = 0; // 2^30 over what all the turns lengthen the vector by
        for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
            int32_t dx = y >> i, dy = x >> i;
            if (angle < 0) {
                x += dx, y -= dy, angle += turns[i];
            } else {
                x -= dx, y += dy, angle -= turns[i];
            }
        }
        return Q15::raw((int64_t{y} + (1 << 14)) >> 15);
    }

    Q15 samples_[steps + 1];
};

// A filter with a finite response over a ring of the last samples.
template <typename Sample, size_t longest>
class Fir {
public:
    bool add_tap(Sample tap) {
        if (length_ == longest) {
            return false;
        }
        taps_[length_++] = tap;
        return true;
    }
    Sample operator()(Sample sample) {
        newest_ = newest_ == 0 ? length_ - 1 : newest_ - 1;
        history_[newest_] = sample;
        int64_t sum = 0;
        size_t at = newest_;
        for (size_t i = 0; i < length_; i++) {
            sum += taps_[i].times(history_[at]);
            at = at + 1 == length_ ? 0 : at + 1;
        }
        return Sample::rounded(sum);
    }
    void reset() {
        for (size_t i = 0; i < longest; i++) {
            history_[i] = Sample();
        }
    }
    size_t length() const { return length_; }

private:
    Sample taps_[longest];
    Sample history_[longest];
    size_t length_ = 0;
    size_t newest_ = 0;
};

} // namespace fixed
