int needed(int x) {
    return 9 * x;
}
int needed_too(int x) {
    return x;
}
