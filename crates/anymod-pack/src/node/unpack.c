/* Made by anymod: takes a file out of an archive, part by part, on as many processors as there are, at most four. It comes
   behind the decompressor of zstd and before the probe. What the archive is, docs/formats/payload.md says. */
#include <fcntl.h>
#include <stdlib.h>
#ifdef _WIN32
#include <io.h>
#include <share.h>
#include <stdio.h>
#include <sys/stat.h>
#else
#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>
#endif

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_info__ *napi_info;
int napi_create_string_utf8(napi_env env, const char *text, size_t length, napi_value *result);
int napi_get_cb_info(napi_env env, napi_info info, size_t *count, napi_value *arguments, napi_value *self, void **data);
int napi_get_value_string_utf8(napi_env env, napi_value value, char *to, size_t room, size_t *length);
int napi_get_value_string_utf16(napi_env env, napi_value value, unsigned short *to, size_t room, size_t *length);
int napi_get_typedarray_info(napi_env env, napi_value array, int *type, size_t *length, void **data, napi_value *buffer, size_t *offset);
int napi_get_undefined(napi_env env, napi_value *result);

#define MOST 4
#define LONGEST_PATH 4096

/* A part of a file: where it is in the archive, its length there and in the file, and XXH64 of what it holds. */
struct part { unsigned long long at, packed, plain, sum; };

struct job {
    /* The archive: in memory, or an open file. */
    const unsigned char *memory;
    size_t memory_length;
    int from;
    int to;
    const struct part *parts;
    size_t count;
    /* Where in the file the first part goes. */
    unsigned long long offset;
    /* What the parts are a difference to; none if its length is 0. */
    const unsigned char *base;
    size_t base_length;
    /* The next part that nobody has taken. */
    size_t next;
    /* The first thing that went wrong. */
    const char *wrong;
};

#ifdef _WIN32
typedef unsigned short unit;
static int opened(const unit *path, int flags) {
    int file = -1;
    _wsopen_s(&file, (const wchar_t *)path, flags | _O_BINARY | _O_NOINHERIT, _SH_DENYNO, _S_IREAD | _S_IWRITE);
    return file;
}
static long long read_at(int file, void *to, size_t length, unsigned long long at) {
    return _lseeki64(file, (long long)at, SEEK_SET) < 0 ? -1 : _read(file, to, (unsigned)length);
}
static long long write_at(int file, const void *from, size_t length, unsigned long long at) {
    return _lseeki64(file, (long long)at, SEEK_SET) < 0 ? -1 : _write(file, from, (unsigned)length);
}
#define close _close
#define path_of napi_get_value_string_utf16
#define READ _O_RDONLY
#define WRITE _O_WRONLY
#else
typedef char unit;
static int opened(const unit *path, int flags) { return open(path, flags | O_CLOEXEC); }
static long long read_at(int file, void *to, size_t length, unsigned long long at) { return pread(file, to, length, (off_t)at); }
static long long write_at(int file, const void *from, size_t length, unsigned long long at) { return pwrite(file, from, length, (off_t)at); }
#define path_of napi_get_value_string_utf8
#define READ O_RDONLY
#define WRITE O_WRONLY
#endif

static int read_all(int file, unsigned char *to, size_t length, unsigned long long at) {
    for (long long now; length; to += now, at += (unsigned long long)now, length -= (size_t)now) {
        now = read_at(file, to, length, at);
        if (now <= 0) return 0;
    }
    return 1;
}

static int write_all(int file, const unsigned char *from, size_t length, unsigned long long at) {
    for (long long now; length; from += now, at += (unsigned long long)now, length -= (size_t)now) {
        now = write_at(file, from, length, at);
        if (now <= 0) return 0;
    }
    return 1;
}

/* Does one part after the other until none is left; what went wrong, or null. */
static const char *work(struct job *job) {
    const char *damaged = "what is embedded is damaged", *wrong = 0;
    unsigned char *packed = 0, *plain = 0;
    size_t packed_room = 0, plain_room = 0, mine;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context) return "there is no memory left";
    /* What is embedded is a difference to may be far away. */
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 31);
    while (!wrong && (mine = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < job->count) {
        struct part part = job->parts[mine];
        unsigned long long to = job->offset;
        for (size_t before = 0; before < mine; before++) to += job->parts[before].plain;
        const unsigned char *input = job->memory;
        if (input) {
            if (part.at > job->memory_length || part.packed > job->memory_length - part.at) wrong = damaged;
            input += part.at;
        } else {
            if (part.packed > packed_room) {
                free(packed);
                packed = malloc(packed_room = part.packed);
            }
            if (packed && !read_all(job->from, packed, part.packed, part.at)) wrong = damaged;
            input = packed;
        }
        if (part.plain > plain_room) {
            free(plain);
            plain = malloc(plain_room = part.plain);
        }
        if (wrong) break;
        if (!input || !plain) {
            wrong = "there is no memory left";
            break;
        }
        if (job->base_length) ZSTD_DCtx_refPrefix(context, job->base, job->base_length);
        size_t length = ZSTD_decompressDCtx(context, plain, part.plain, input, part.packed);
        if (ZSTD_isError(length) || length != part.plain || XXH64(plain, length, 0) != part.sum) wrong = damaged;
        else if (!write_all(job->to, plain, length, to)) wrong = "it cannot be written";
    }
    ZSTD_freeDCtx(context);
    free(packed);
    free(plain);
    if (wrong) __atomic_store_n(&job->wrong, wrong, __ATOMIC_RELAXED);
    return wrong;
}

#ifdef _WIN32
static void everybody(struct job *job) { work(job); }
#else
static void *helper(void *job) { return work(job), (void *)0; }

static void everybody(struct job *job) {
    pthread_t helpers[MOST];
    int started = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    while (started + 1 < MOST && started + 1 < processors && (size_t)started + 1 < job->count
           && !pthread_create(&helpers[started], 0, helper, job)) started++;
    work(job);
    while (started--) pthread_join(helpers[started], 0);
}
#endif

/* unpack(archive, numbers, to, base): a path or what is at it; where in the file the first part goes and, of each part, what
   `struct part` has; the file; what the parts are a difference to, or undefined. Returns what went wrong. */
static napi_value unpack(napi_env env, napi_info info) {
    napi_value arguments[4], result = 0;
    size_t count = 4, length;
    int type;
    void *data;
    unit path[LONGEST_PATH];
    struct job job = {0};
    job.from = job.to = -1;
    if (napi_get_cb_info(env, info, &count, arguments, 0, 0) || count != 4) return 0;
    if (napi_get_typedarray_info(env, arguments[1], &type, &length, &data, 0, 0) || !length) return 0;
    job.offset = *(unsigned long long *)data;
    job.parts = (const struct part *)((unsigned long long *)data + 1);
    job.count = (length - 1) / 4;
    if (!napi_get_typedarray_info(env, arguments[0], &type, &length, &data, 0, 0)) {
        job.memory = data;
        job.memory_length = length;
    } else if (!path_of(env, arguments[0], path, LONGEST_PATH, &length) && length + 1 < LONGEST_PATH) {
        job.from = opened(path, READ);
    }
    if (!napi_get_typedarray_info(env, arguments[3], &type, &length, &data, 0, 0)) {
        job.base = data;
        job.base_length = length;
    }
    if (!path_of(env, arguments[2], path, LONGEST_PATH, &length) && length + 1 < LONGEST_PATH) job.to = opened(path, WRITE);
    if (!job.memory && job.from < 0) job.wrong = "what is embedded cannot be read";
    else if (job.to < 0) job.wrong = "it cannot be written";
    else everybody(&job);
    if (job.from >= 0) close(job.from);
    if (job.to >= 0 && close(job.to) && !job.wrong) job.wrong = "it cannot be written";
    if (job.wrong) napi_create_string_utf8(env, job.wrong, (size_t)-1, &result);
    else napi_get_undefined(env, &result);
    return result;
}
