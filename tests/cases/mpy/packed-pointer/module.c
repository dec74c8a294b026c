// An address in a word that is not aligned: the loader counts in words.
//# arch: x64
//# compiler: gnu
//# ours: refuses L0305
//# incumbent: error AssertionError
#include "case.h"

static const int target = 5;
struct __attribute__((packed)) Entry {
    char tag;
    const int *pointer;
};
const struct Entry entry = { 1, &target };
mp_int_t run(mp_int_t x) {
    return *((const volatile struct Entry *)&entry)->pointer + x;
}
