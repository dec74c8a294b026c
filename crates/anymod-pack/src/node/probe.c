/* Made by anymod: the level of x86-64 that this processor and its system have, and XXH64 of a buffer. */
typedef unsigned long long word;
typedef __SIZE_TYPE__ size;
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_info__ *napi_info;
typedef napi_value (*napi_function)(napi_env env, napi_info info);
int napi_create_uint32(napi_env env, unsigned value, napi_value *result);
int napi_create_bigint_uint64(napi_env env, word value, napi_value *result);
int napi_create_function(napi_env env, const char *name, size length, napi_function call, void *data, napi_value *result);
int napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value);
int napi_get_cb_info(napi_env env, napi_info info, size *count, napi_value *arguments, napi_value *self, void **data);
int napi_get_buffer_info(napi_env env, napi_value buffer, void **data, size *length);

#ifdef __x86_64__
struct registers { unsigned a, b, c, d; };

static struct registers cpuid(unsigned leaf, unsigned subleaf) {
    struct registers r;
    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(subleaf));
    return r;
}

/* What the system saves of each task: without it, AVX registers may be there and must not be used. */
static unsigned saved(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int has(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

static unsigned level(void) {
    unsigned highest = cpuid(0, 0).a;
    struct registers one = cpuid(1, 0);
    struct registers more = cpuid(0x80000001u, 0);
    /* SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF in long mode. */
    if (!has(one.c, 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23) || !has(more.c, 1u << 0)) return 1;
    /* FMA, MOVBE, OSXSAVE, AVX, F16C; LZCNT; BMI1, AVX2, BMI2. */
    if (!has(one.c, 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29) || !has(more.c, 1u << 5)) return 2;
    if (highest < 7 || !has(saved(), 0x6)) return 2;
    unsigned seven = cpuid(7, 0).b;
    if (!has(seven, 1u << 3 | 1u << 5 | 1u << 8)) return 2;
    /* AVX-512 F, DQ, CD, BW, VL. */
    if (!has(seven, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31) || !has(saved(), 0xe6)) return 3;
    return 4;
}
#else
static unsigned level(void) { return 0; }
#endif

/* The five primes of the xxHash specification, "XXH64 algorithm". */
#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static word turned(word value, int by) { return value << by | value >> (64 - by); }
static word mixed(word sum, word input) { return turned(sum + input * P2, 31) * P1; }
static word merged(word sum, word lane) { return (sum ^ mixed(0, lane)) * P1 + P4; }

/* Every platform that there is a probe for has the lowest byte first, and reads words from anywhere. */
static word word_at(const unsigned char *at) { word value; __builtin_memcpy(&value, at, sizeof value); return value; }
static unsigned half_at(const unsigned char *at) { unsigned value; __builtin_memcpy(&value, at, sizeof value); return value; }

static word xxh64(const unsigned char *at, size length) {
    const unsigned char *end = at + length;
    word sum = P5;
    if (length >= 32) {
        word a = P1 + P2, b = P2, c = 0, d = 0 - P1;
        for (; end - at >= 32; at += 32) {
            a = mixed(a, word_at(at));
            b = mixed(b, word_at(at + 8));
            c = mixed(c, word_at(at + 16));
            d = mixed(d, word_at(at + 24));
        }
        sum = turned(a, 1) + turned(b, 7) + turned(c, 12) + turned(d, 18);
        sum = merged(merged(merged(merged(sum, a), b), c), d);
    }
    sum += length;
    for (; end - at >= 8; at += 8) sum = turned(sum ^ mixed(0, word_at(at)), 27) * P1 + P4;
    if (end - at >= 4) {
        sum = turned(sum ^ half_at(at) * P1, 23) * P2 + P3;
        at += 4;
    }
    for (; at < end; at++) sum = turned(sum ^ *at * P5, 11) * P1;
    sum = (sum ^ sum >> 33) * P2;
    sum = (sum ^ sum >> 29) * P3;
    return sum ^ sum >> 32;
}

static napi_value sum(napi_env env, napi_info info) {
    napi_value buffer, value = 0;
    size count = 1, length;
    void *data;
    if (napi_get_cb_info(env, info, &count, &buffer, 0, 0) || napi_get_buffer_info(env, buffer, &data, &length)) return 0;
    napi_create_bigint_uint64(env, xxh64(data, length), &value);
    return value;
}

#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    napi_value value;
    if (!napi_create_uint32(env, level(), &value)) napi_set_named_property(env, exports, "level", value);
    if (!napi_create_function(env, "sum", 3, sum, 0, &value)) napi_set_named_property(env, exports, "sum", value);
    return exports;
}

#ifdef _WIN32
int DllMainCRTStartup(void *instance, unsigned reason, void *reserved) {
    (void)instance; (void)reason; (void)reserved;
    return 1;
}
#endif
