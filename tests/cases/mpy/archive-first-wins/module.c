// The archive named first wins, and an object over any archive.
//# arch: x64 armv7m rv32imc
//# test: run(3) == 33
//# archive: libfirst.a = first.c
//# archive: libsecond.a = second.c
//# incumbent: runs
#include "case.h"

int choice(int x);
int mine(int x) {
    return 10 * x;
}
mp_int_t run(mp_int_t x) {
    return choice(x) + mine(x);
}
