// Objects that are constructed before `mpy_init` runs, in the order of the files and of the definitions.
//# arch: x64 x86 arm riscv
//# test: run(1) == 1240
#include "case.h"

int value(void);
int order;

mp_int_t run(mp_int_t x) {
    return 10 * value() + order * 0;
}
