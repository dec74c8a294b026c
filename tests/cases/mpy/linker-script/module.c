// A linker script under the name of an archive that is more than a list of archives.
//# arch: x64
//# compiler: gnu
//# make: printf 'SECTIONS { .text : { *(.text) } }\n' > libscript.a
//# libraries: libscript.a
//# ours: refuses L0011
//# incumbent: error Invalid instruction
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
