int shared;
long long aligned;
int add(int x) {
    return shared + x;
}
