const int shared = 40;
int other(int x) {
    return x + 1;
}
int (*const pointer)(int x) = other;
