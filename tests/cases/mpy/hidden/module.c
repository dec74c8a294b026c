// Hidden symbols are reached without the GOT, across files.
//# test: run(3) == 3045
//# incumbent: runs
//# incumbent(x86): error AttributeError
//# cflags(xtensa): -mno-force-l32
#include "case.h"

__attribute__((visibility("hidden"))) int hidden_function(int x);
extern const int hidden_table[] __attribute__((visibility("hidden")));

mp_int_t run(mp_int_t x) {
    return hidden_function(x) + hidden_table[x];
}
