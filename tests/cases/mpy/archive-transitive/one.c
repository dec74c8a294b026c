int two(int x);
int from_one(int x) {
    return 1000 * x;
}
int one(int x) {
    return two(x);
}
