/* A host with eight modules. A module is a file `NAME.so` with a function `anymod_init_NAME` that does some work with its library
   and returns a line to print; or it is in the host itself, which then has the function. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define MODULES(X) X(zlib) X(bzip2) X(lzma) X(sqlite) X(expat) X(ffi) X(crypto) X(ssl)

typedef const char *init_function(void);

#define DECLARE(name) extern init_function anymod_init_##name __attribute__((weak));
MODULES(DECLARE)

static const struct { const char *name; init_function *built_in; } modules[] = {
#define ROW(name) {#name, anymod_init_##name},
    MODULES(ROW)
};

static init_function *find(const char *directory, const char *name, init_function *built_in, const char **where) {
    char path[4096];
    *where = "built in";
    if (built_in)
        return built_in;
    snprintf(path, sizeof path, "%s/%s.so", directory, name);
    void *module = dlopen(path, RTLD_NOW);
    *where = module ? "module" : dlerror();
    snprintf(path, sizeof path, "anymod_init_%s", name);
    return module ? (init_function *)dlsym(module, path) : NULL;
}

/* ./host DIRECTORY [NAME…] */
int main(int count, char **arguments) {
    int failures = 0;
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        int wanted = count < 3;
        for (int j = 2; j < count; j++)
            wanted |= strcmp(arguments[j], modules[i].name) == 0;
        if (!wanted)
            continue;
        const char *where;
        init_function *init = find(count > 1 ? arguments[1] : ".", modules[i].name, modules[i].built_in, &where);
        printf("%-8s%-10s%s\n", modules[i].name, init ? where : "failed", init ? init() : where);
        failures += !init;
    }
    return failures;
}
