// A zeroed variable of a file, which code reaches without the GOT where the compiler can.
//# test: run(5) == 5
//# cflags(xtensa): -mno-force-l32
//# incumbent: error fixed relocation to bss
//# incumbent(x86 rv32imc): wrong
//# compat: refuses L0401
//# compat(xtensa): same
//# incumbent(xtensa): runs
#include "case.h"

static mp_int_t counter;
static mp_int_t table[16];

mp_int_t run(mp_int_t x) {
    for (mp_int_t i = 0; i < x; ++i) {
        counter += 1;
        table[i & 15] = counter;
    }
    return table[(x - 1) & 15];
}
