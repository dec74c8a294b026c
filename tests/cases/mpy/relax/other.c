int other(int x) {
    static const short table[] = { 0, 110, 220, 330 };
    return ((const volatile short *)table)[x];
}
