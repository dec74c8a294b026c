// With -mforce-l32 GCC 12 reads a qstr as a word and writes the offset into the literal: mp_native_qstr_table+2.
//# arch: xtensa
//# test: run(2) == 2
//# incumbent: error AssertionError: ('mp_native_qstr_table+0x
//# compat: refuses L0401
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
