int back(int x) {
    return x * 3 + (x == 6 ? 15 : 6);
}
