extern int order;
__attribute__((constructor)) static void fourth(void) {
    order = 10 * order + 4;
}
