// Variables with values: integers, a pointer to another variable, pointers to functions, text.
//# test: run(2) == 2207
//# test: run(3) == 2208
// Where the loader leaves code read-only there is no place for them:
//# ours(xtensa): refuses L0201
//# incumbent: error non-empty
#include "case.h"

static int start = 2000;
static int *pointer = &start;
int shared = 200;
static int add(int x) {
    return *pointer + x;
}
static int (*functions[2])(int) = { add, add };
static __attribute__((aligned(8))) char text[] = "\x05 is changed";

mp_int_t run(mp_int_t x) {
    start += x;
    text[1] += 1;
    mp_int_t result = functions[x & 1](shared) + text[0];
    functions[0] = functions[1];
    start -= x;
    return result;
}
