// An object of the embedded variant with 16 registers.
//# arch: rv32imc
//# compiler: gnu
//# make: printf 'int other(int x) { return x; }' | riscv64-unknown-elf-gcc -march=rv32ec -mabi=ilp32e -fpic -c -x c - -o other.o
//# objects: module.o other.o
//# ours: refuses L0016
//# incumbent: links
#include "case.h"

int other(int x);
mp_int_t run(mp_int_t x) {
    return other(x);
}
