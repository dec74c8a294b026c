int maybe(int x) {
    return x;
}
