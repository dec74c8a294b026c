// Calls and loads through the GOT that a linker may make direct: R_X86_64_GOTPCRELX and REX_GOTPCRELX, R_386_GOT32X.
//# arch: x64 x86
//# cflags: -fno-plt
//# cflags(gnu): -Wa,-mrelax-relocations=yes
//# test: run(4) == 50
//# incumbent(x64): error AssertionError
//# incumbent(x86): runs
//# compat(x86): same
#include "case.h"

int other(int x);
extern int (*const pointer)(int x);
extern const int shared;

mp_int_t run(mp_int_t x) {
    return other(x) + pointer(x) + shared;
}
