void fill(int *block) {
    block[0] = 1;
    block[1] = 51;
    block[39] = 0;
}
