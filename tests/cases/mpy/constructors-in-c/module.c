// Functions that run before `mpy_init`: those with a priority first, lower numbers before higher ones.
//# test: run(1) == 1234
#include "case.h"

int order;

mp_int_t run(mp_int_t x) {
    return order * x;
}
__attribute__((constructor)) static void third(void) {
    order = 10 * order + 3;
}
__attribute__((constructor(200))) static void second(void) {
    order = 10 * order + 2;
}
__attribute__((constructor(101))) static void first(void) {
    order = 10 * order + 1;
}
