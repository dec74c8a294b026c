int choice(int x) {
    return 10 * x;
}
__attribute__((weak)) int same(void) {
    return 2;
}
int both(void) {
    return 2 * same() + 2;
}
