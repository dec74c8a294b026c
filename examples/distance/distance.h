#ifndef DISTANCE_H
#define DISTANCE_H

#include <stddef.h>

// The longest byte string that is compared.
#define DISTANCE_LONGEST 255

// How many bytes have to be inserted, removed or replaced to make one string of the other (Levenshtein, 1965).
// Neither may be longer than DISTANCE_LONGEST.
unsigned distance(const unsigned char *from, size_t from_length, const unsigned char *to, size_t to_length);

#endif
