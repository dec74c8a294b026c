#include "shared.h"
extern "C" int one(int x) {
    return twelve(x) + Counter<int>::next();
}
