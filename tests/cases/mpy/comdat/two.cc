#include "shared.h"
extern "C" int two() {
    int result = 1000 * Counter<int>::next() + twelve(0);
    Counter<int>::count = 0;
    return result;
}
