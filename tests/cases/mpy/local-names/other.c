static const int table[] = { 10, 20, 30, 30 };
static __attribute__((noinline)) int helper(int x) {
    return 10 * table[x];
}
int other(int x) {
    return helper(x);
}
