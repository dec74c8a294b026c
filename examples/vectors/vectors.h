/* Vectors of floats. */
#ifndef VECTORS_H
#define VECTORS_H

#include <stddef.h>

enum vectors_metric { VECTORS_DOT = 0, VECTORS_DISTANCE = 1 };

/* The sum of the products of two vectors. */
float vectors_dot(const float *a, const float *b, size_t length);

/* The square of the distance between two vectors. */
float vectors_distance(const float *a, const float *b, size_t length);

/* The row of a matrix that is nearest to a vector; the first of several. There has to be one. */
size_t vectors_nearest(const float *rows, size_t count, const float *query, size_t length, enum vectors_metric metric);

#endif
