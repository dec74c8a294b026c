// A strong definition wins over a weak one, whatever the order; the weak ones are one function in the end.
//# cflags(xtensa): -mno-force-l32
//# test: run(4) == 44
//# incumbent: error duplicate symbol
//# compat: refuses L0102
#include "case.h"

__attribute__((weak)) int choice(int x) {
    return x;
}
int both(void);
__attribute__((weak)) int same(void) {
    return 1;
}

mp_int_t run(mp_int_t x) {
    return choice(x) + both();
}
