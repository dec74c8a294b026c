// A weak reference does not take a member out of an archive; a strong one does, and then both are to it.
//# arch: x64 armv7m rv32imc
//# archive: libmaybe.a = maybe.c
//# archive: libneeded.a = needed.c
//# test: run(3) == 30
#include "case.h"

int maybe(int x) __attribute__((weak));
int needed(int x);
int needed_too(int x) __attribute__((weak));

mp_int_t run(mp_int_t x) {
    return (maybe ? 1000 : 0) + (needed_too ? needed_too(x) : 0) + needed(x);
}
