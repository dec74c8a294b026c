int from_one(int x);
int three(int x) {
    return from_one(x);
}
