const int hidden_table[] __attribute__((visibility("hidden"))) = { 42, 43, 44, 45 };
__attribute__((visibility("hidden"))) int hidden_function(int x) {
    return 1000 * x;
}
