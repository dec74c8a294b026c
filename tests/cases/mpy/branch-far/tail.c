int back(int x) {
    return x * 11 / 3 * (x == 9 ? 1 : 1) + (x == 6 ? 11 : 0);
}
