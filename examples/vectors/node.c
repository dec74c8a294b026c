/* What JavaScript sees of the vectors. */
#include <node_api.h>

#include "vectors.h"

/* A `Float32Array`; false, with an exception, if the value is something else. */
static bool floats(napi_env env, napi_value value, const float **data, size_t *length)
{
    napi_typedarray_type type;
    void *bytes = NULL;
    bool is_array = false;
    napi_is_typedarray(env, value, &is_array);
    if (is_array)
        napi_get_typedarray_info(env, value, &type, length, &bytes, NULL, NULL);
    if (!is_array || type != napi_float32_array) {
        napi_throw_type_error(env, NULL, "a Float32Array is expected");
        return false;
    }
    *data = bytes;
    return true;
}

static napi_value dot(napi_env env, napi_callback_info info)
{
    size_t count = 2, a_length, b_length;
    napi_value arguments[2], result;
    const float *a, *b;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    if (!floats(env, arguments[0], &a, &a_length) || !floats(env, arguments[1], &b, &b_length))
        return NULL;
    if (a_length != b_length) {
        napi_throw_range_error(env, NULL, "the vectors differ in length");
        return NULL;
    }
    napi_create_double(env, vectors_dot(a, b, a_length), &result);
    return result;
}

static napi_value nearest(napi_env env, napi_callback_info info)
{
    size_t count = 3, rows_length, length;
    napi_value arguments[3], result;
    const float *rows, *query;
    int32_t metric = VECTORS_DISTANCE;
    napi_valuetype type;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    if (!floats(env, arguments[0], &rows, &rows_length) || !floats(env, arguments[1], &query, &length))
        return NULL;
    napi_typeof(env, arguments[2], &type);
    if (type == napi_number)
        napi_get_value_int32(env, arguments[2], &metric);
    if (length == 0 || rows_length == 0 || rows_length % length != 0) {
        napi_throw_range_error(env, NULL, "the rows are not whole");
        return NULL;
    }
    napi_create_uint32(env, vectors_nearest(rows, rows_length / length, query, length, metric), &result);
    return result;
}

NAPI_MODULE_INIT()
{
    napi_value function, metric, value;
    napi_create_function(env, "dot", NAPI_AUTO_LENGTH, dot, NULL, &function);
    napi_set_named_property(env, exports, "dot", function);
    napi_create_function(env, "nearest", NAPI_AUTO_LENGTH, nearest, NULL, &function);
    napi_set_named_property(env, exports, "nearest", function);
    napi_create_object(env, &metric);
    napi_create_int32(env, VECTORS_DOT, &value);
    napi_set_named_property(env, metric, "Dot", value);
    napi_create_int32(env, VECTORS_DISTANCE, &value);
    napi_set_named_property(env, metric, "Distance", value);
    napi_set_named_property(env, exports, "Metric", metric);
    return exports;
}
