// A case that explains itself. The lines below say what is compiled, how it is linked and what has to come of it; all
// names are in the first lines of crates/anymod/tests/cases/main.rs.
//
// For these architectures, with every compiler that has them:
//# arch: x64 armv7m rv32imc xtensa
// with one option more than MicroPython's makefile gives, on xtensa with two:
//# cflags: -DOFFSET=1
//# cflags(xtensa): -mno-force-l32
// (twice.c is in an archive, everything else is an object)
//# archive: libtwice.a = twice.c
// ours links it, and in the real MicroPython, or on xtensa in the test host, this holds:
//# ours: runs
//# test: run(20) == 41
// The incumbent links it as well, and in compatibility mode ours writes the same bytes:
//# incumbent: runs
//# compat: same
#include "case.h"

int twice(int x);

mp_int_t run(mp_int_t x) {
    return twice(x) + OFFSET;
}
