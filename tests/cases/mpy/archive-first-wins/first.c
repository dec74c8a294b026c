int choice(int x) {
    return x;
}
