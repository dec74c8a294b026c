#include "vectors.h"

float vectors_dot(const float *a, const float *b, size_t length)
{
    float sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += a[i] * b[i];
    return sum;
}

float vectors_distance(const float *a, const float *b, size_t length)
{
    float sum = 0;
    for (size_t i = 0; i < length; i++) {
        float difference = a[i] - b[i];
        sum += difference * difference;
    }
    return sum;
}

size_t vectors_nearest(const float *rows, size_t count, const float *query, size_t length, enum vectors_metric metric)
{
    size_t best = 0;
    float least = 0;
    for (size_t row = 0; row < count; row++) {
        const float *vector = rows + row * length;
        float value = metric == VECTORS_DOT ? -vectors_dot(vector, query, length)
                                            : vectors_distance(vector, query, length);
        if (row == 0 || value < least) {
            best = row;
            least = value;
        }
    }
    return best;
}
