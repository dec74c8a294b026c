int shared = 0;
int helper(int x) {
    return x + 1;
}
