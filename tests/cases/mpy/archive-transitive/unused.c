int gone_too(int x);
int unused(int x) {
    return gone_too(x);
}
