// Integer division for the ESP8266's core, which has no instruction for it and whose libgcc leaves it to the chip's ROM.
//
// The compiler and libgcc call these by name. They only shift and subtract, so that none of them needs another.
#include <stdint.h>

typedef struct {
    uint32_t quotient;
    uint32_t remainder;
} division_t;

static division_t divide(uint32_t dividend, uint32_t divisor) {
    division_t result = { 0, 0 };
    for (int bit = 31; bit >= 0; bit--) {
        result.remainder = result.remainder << 1 | (dividend >> bit & 1);
        if (result.remainder >= divisor) {
            result.remainder -= divisor;
            result.quotient |= (uint32_t)1 << bit;
        }
    }
    return result;
}

static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    return divide(dividend, divisor).quotient;
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    return divide(dividend, divisor).remainder;
}

int32_t __divsi3(int32_t dividend, int32_t divisor) {
    uint32_t quotient = divide(magnitude(dividend), magnitude(divisor)).quotient;
    return (int32_t)((dividend < 0) != (divisor < 0) ? 0u - quotient : quotient);
}
