/* Made by anymod: the level of x86-64 that this processor and its system have, as what the addon exports. */
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
int napi_create_uint32(napi_env env, unsigned value, napi_value *result);

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

static int has(unsigned word, unsigned bits) { return (word & bits) == bits; }

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

#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    napi_value value = exports;
    napi_create_uint32(env, level(), &value);
    return value;
}

#ifdef _WIN32
int DllMainCRTStartup(void *instance, unsigned reason, void *reserved) {
    (void)instance; (void)reason; (void)reserved;
    return 1;
}
#endif
