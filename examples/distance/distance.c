// Nothing here knows of any Python.
#include "distance.h"

static unsigned char least(unsigned a, unsigned b, unsigned c) {
    unsigned result = a < b ? a : b;
    return (unsigned char)(result < c ? result : c);
}

unsigned distance(const unsigned char *from, size_t from_length, const unsigned char *to, size_t to_length) {
    // The costs of the first `row` bytes of `from` against each beginning of `to`.
    unsigned char costs[DISTANCE_LONGEST + 1];
    for (size_t column = 0; column <= to_length; column++) {
        costs[column] = (unsigned char)column;
    }
    for (size_t row = 1; row <= from_length; row++) {
        unsigned char diagonal = costs[0];
        costs[0] = (unsigned char)row;
        for (size_t column = 1; column <= to_length; column++) {
            unsigned replaced = diagonal + (from[row - 1] != to[column - 1]);
            diagonal = costs[column];
            costs[column] = least(replaced, costs[column] + 1u, costs[column - 1] + 1u);
        }
    }
    return costs[to_length];
}
