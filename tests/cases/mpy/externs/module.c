// Functions in the chip's ROM by their addresses; a `PROVIDE` that an object defines itself gives way.
//# arch: xtensa rv32imc
//# compiler: gnu
//# link: --externs $CASE/rom.ld
//# ours: links
//# incumbent: error undefined symbol
#include "case.h"

int rom_add(int x, int y);
int mine(int x) {
    return x;
}
mp_int_t run(mp_int_t x) {
    return rom_add(mine(x), 2);
}
