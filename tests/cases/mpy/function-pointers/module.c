// Tables of functions, of strings and of pointers into other tables, in read-only data.
//# test: run(0) == 105
//# test: run(1) == 214
//# test: run(2) == 313
//# incumbent: runs
//# cflags(xtensa): -mno-force-l32
#include "case.h"

static int one(int x) {
    return x + 1;
}
static int two(int x) {
    return x + 2;
}
int three(int x);
static const char *const names[] = { "dark", "elephants", "far off" };
static int (*const functions[])(int) = { one, two, three };
static const struct {
    int number;
    const char *const *name;
    int (*const *function)(int);
} rows[] = { { 100, &names[0], &functions[0] }, { 203, &names[1], &functions[1] }, { 303, &names[2], &functions[2] } };

static int places(const char *text) {
    return text[0] == 'd' ? 4 : text[1] == 'l' ? 9 : text[6] - 'f' + 7;
}
mp_int_t run(mp_int_t x) {
    return (*rows[x].function)(rows[x].number) + places(*rows[x].name);
}
