// An object of the same machine, for 64 bits.
//# arch: rv32imc
//# compiler: gnu
//# make: printf 'int other(int x) { return x; }' | riscv64-unknown-elf-gcc -march=rv64imac -mabi=lp64 -fpic -c -x c - -o other.o
//# objects: module.o other.o
//# ours: refuses L0004
//# incumbent: links
#include "case.h"

int other(int x);
mp_int_t run(mp_int_t x) {
    return other(x);
}
