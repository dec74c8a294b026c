/* Made by anymod: the level of x86-64 that this processor and its system have, XXH64 of a buffer, whether a file is whole, and
   which one of several files is to be loaded. */
typedef unsigned long long word;
typedef __SIZE_TYPE__ size;
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_info__ *napi_info;
typedef napi_value (*napi_function)(napi_env env, napi_info info);
int napi_create_int32(napi_env env, int value, napi_value *result);
int napi_create_uint32(napi_env env, unsigned value, napi_value *result);
int napi_create_bigint_uint64(napi_env env, word value, napi_value *result);
int napi_create_function(napi_env env, const char *name, size length, napi_function call, void *data, napi_value *result);
int napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value);
int napi_get_cb_info(napi_env env, napi_info info, size *count, napi_value *arguments, napi_value *self, void **data);
int napi_get_boolean(napi_env env, _Bool value, napi_value *result);
int napi_get_value_uint32(napi_env env, napi_value value, unsigned *result);
int napi_get_value_string_utf8(napi_env env, napi_value value, char *to, size room, size *length);
int napi_get_buffer_info(napi_env env, napi_value buffer, void **data, size *length);
int napi_get_named_property(napi_env env, napi_value object, const char *name, napi_value *result);

#ifdef __x86_64__
/* In the order that glibc's <sys/platform/x86.h> has them in. */
struct registers { unsigned a, b, c, d; };
#ifdef __linux__
/* What the processor has, and what of it is of use here. */
struct leaf { struct registers there, active; };
/* Only glibc has this, since 2.33. It has asked when the process began; in a virtual machine, asking again for all of it takes
   longer than reading a small file. */
const struct leaf *__x86_get_cpuid_feature_leaf(unsigned index) __attribute__((weak));
#endif

/* Of leaves 1, 7 and 0x80000001, which glibc counts as 0, 1 and 2; zeros if there is no such leaf. */
static struct registers cpuid(unsigned index) {
    static const unsigned leaves[] = {1, 7, 0x80000001u};
#ifdef __linux__
    if (__x86_get_cpuid_feature_leaf) return __x86_get_cpuid_feature_leaf(index)->there;
#endif
    struct registers r = {leaves[index] & 0x80000000u, 0, 0, 0};
    __asm__ volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
    if (r.a < leaves[index]) return (struct registers){0, 0, 0, 0};
    r = (struct registers){leaves[index], 0, 0, 0};
    __asm__ volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
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
    struct registers one = cpuid(0), more = cpuid(2);
    /* SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF in long mode. */
    if (!has(one.c, 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23) || !has(more.c, 1u << 0)) return 1;
    /* FMA, MOVBE, OSXSAVE, AVX, F16C; LZCNT; BMI1, AVX2, BMI2. */
    if (!has(one.c, 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29) || !has(more.c, 1u << 5)) return 2;
    if (!has(saved(), 0x6)) return 2;
    unsigned seven = cpuid(1).b;
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

/* A sum that is fed bit by bit: every part but the last is of whole stripes of 32 bytes. */
struct state { word a, b, c, d, length; };

static struct state begun(void) { return (struct state){P1 + P2, P2, 0, 0 - P1, 0}; }

static void feed(struct state *state, const unsigned char *at, size length) {
    word a = state->a, b = state->b, c = state->c, d = state->d;
    for (const unsigned char *end = at + length; end - at >= 32; at += 32) {
        a = mixed(a, word_at(at));
        b = mixed(b, word_at(at + 8));
        c = mixed(c, word_at(at + 16));
        d = mixed(d, word_at(at + 24));
    }
    *state = (struct state){a, b, c, d, state->length + length};
}

/* The sum, of which `at` and `end` are what is left of the last part behind its stripes. */
static word finished(const struct state *state, const unsigned char *at, const unsigned char *end) {
    word sum = P5;
    if (state->length >= 32) {
        sum = turned(state->a, 1) + turned(state->b, 7) + turned(state->c, 12) + turned(state->d, 18);
        sum = merged(merged(merged(merged(sum, state->a), state->b), state->c), state->d);
    }
    sum += state->length;
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

static word xxh64(const unsigned char *at, size length) {
    struct state state = begun();
    feed(&state, at, length);
    return finished(&state, at + (length & ~(size)31), at + length);
}

static napi_value sum(napi_env env, napi_info info) {
    napi_value buffer, value = 0;
    size count = 1, length;
    void *data;
    if (napi_get_cb_info(env, info, &count, &buffer, 0, 0) || napi_get_buffer_info(env, buffer, &data, &length)) return 0;
    napi_create_bigint_uint64(env, xxh64(data, length), &value);
    return value;
}

#ifdef __linux__
/* The identity's layout is `anymod_model::identity`'s; in an ELF file it is near the begin. */
#define SUMS 28
#define SUMS_END 72
#define TEXTS 136
#define PART 65536
#define LONGEST 1024

/* Whatever C library this process has; only glibc has this. */
const char *gnu_get_libc_version(void) __attribute__((weak));
int open(const char *path, int flags, ...);
long read(int file, void *to, size length);
int close(int file);

/* Fills `to` as far as the file goes; negative if it cannot be read. */
static long filled(int file, unsigned char *to, long length) {
    long done = 0, now = 1;
    while (done < length && now > 0) {
        now = read(file, to + done, length - done);
        if (now > 0) done += now;
    }
    return now < 0 ? now : done;
}

static int equal(const unsigned char *a, const char *b, size length) {
    while (length && *a == (unsigned char)*b) a++, b++, length--;
    return !length;
}

/* Where the identity is; -1 if it is not in this part of the file. */
static long place(const unsigned char *part, long length) {
    for (long at = 0; at + TEXTS < length; at += 4)
        if (equal(part + at, "anymodID", 8)) return at;
    return -1;
}

/* Whether an open file is whole and has these texts in its identity: name, version, platform and variant, each with a NUL. */
static int whole(int file, const char *texts, size length, unsigned napi) {
    unsigned char part[PART];
    long have = filled(file, part, PART);
    long at = place(part, have);
    if (at < 0 || half_at(part + at + 8) != 2 || half_at(part + at + 24) != 0) return 0;
    if (half_at(part + at + 16) > napi) return 0;
    if (length > (size)(have - at - TEXTS) || !equal(part + at + TEXTS, texts, length)) return 0;
    word expected = word_at(part + at + 64);
    for (long byte = SUMS; byte < SUMS_END; byte++) part[at + byte] = 0;
    struct state state = begun();
    while (have == PART) {
        feed(&state, part, PART);
        have = filled(file, part, PART);
    }
    if (have < 0) return 0;
    feed(&state, part, have);
    return finished(&state, part + (have & ~31L), part + have) == expected;
}

static int is_whole(const char *path, const char *texts, size length, unsigned napi) {
    int file = open(path, 02000000 /* O_CLOEXEC */);
    if (file < 0) return 0;
    int yes = whole(file, texts, length, napi);
    close(file);
    return yes;
}

/* fits(path, texts, napi) */
static napi_value fits(napi_env env, napi_info info) {
    napi_value arguments[3], value = 0;
    size count = 3, length;
    char path[4096], texts[LONGEST];
    unsigned napi;
    if (napi_get_cb_info(env, info, &count, arguments, 0, 0) || count != 3) return 0;
    if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length)) return 0;
    if (length + 1 >= sizeof path || napi_get_value_uint32(env, arguments[2], &napi)) return 0;
    if (napi_get_value_string_utf8(env, arguments[1], texts, sizeof texts, &length) || length + 1 >= sizeof texts) return 0;
    napi_get_boolean(env, is_whole(path, texts, length, napi), &value);
    return value;
}

/* What comes behind so many texts. */
static const char *behind(const char *at, const char *end, int count) {
    while (at < end && count) count -= !*at++;
    return at;
}

/* Which of the candidates is the one for this processor, if it is whole; otherwise negative. What is asked are texts with a NUL
   each: the version of Node-API, and of each candidate, the best first, its level, its path and the four of its identity.
   Functions would be an easier way to ask, and each takes Node.js as long as the whole answer. */
static int chosen(const char *asked, const char *end) {
    unsigned napi = 0, own = level();
    for (const char *digit = asked; *digit; digit++) napi = napi * 10 + (*digit - '0');
    const char *at = behind(asked, end, 1);
    for (int index = 0; at < end; index++) {
        const char *path = behind(at, end, 1), *texts = behind(path, end, 1), *next = behind(texts, end, 4);
        if ((unsigned)(*at - '0') <= own) return is_whole(path, texts, next - texts, napi) ? index : -1;
        at = next;
    }
    return -1;
}

/* The answer to what is asked; nothing if nothing is. */
static napi_value answer(napi_env env, napi_value exports) {
    napi_value asked, value = 0;
    char texts[1 << 15];
    size length;
    if (napi_get_named_property(env, exports, "asked", &asked)) return 0;
    if (napi_get_value_string_utf8(env, asked, texts, sizeof texts, &length)) return 0;
    /* A process with another C library needs another file, which the loader finds. */
    int index = gnu_get_libc_version && length + 1 < sizeof texts ? chosen(texts, texts + length) : -1;
    return napi_create_int32(env, index, &value) ? 0 : value;
}
#endif

#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    napi_value value;
#ifdef __linux__
    if ((value = answer(env, exports))) return value;
#endif
    if (!napi_create_uint32(env, level(), &value)) napi_set_named_property(env, exports, "level", value);
    if (!napi_create_function(env, "sum", 3, sum, 0, &value)) napi_set_named_property(env, exports, "sum", value);
#ifdef __linux__
    if (!napi_create_function(env, "fits", 4, fits, 0, &value)) napi_set_named_property(env, exports, "fits", value);
#endif
#ifdef ANYMOD_UNPACK
    if (!napi_create_function(env, "unpack", 6, unpack, 0, &value)) napi_set_named_property(env, exports, "unpack", value);
#endif
    return exports;
}

#if defined _WIN32 && !defined ANYMOD_UNPACK
int DllMainCRTStartup(void *instance, unsigned reason, void *reserved) {
    (void)instance; (void)reason; (void)reserved;
    return 1;
}
#endif
