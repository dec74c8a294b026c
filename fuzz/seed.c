/* Compiled for every architecture whose compiler is present, to give the fuzz targets objects to start from: calls,
   tables of addresses, constants, static variables, a jump table, a weak symbol. */
extern const void *const mp_fun_table[];
extern unsigned short mp_native_qstr_table[];
extern const char mp_type_str[];
void *memcpy(void *to, const void *from, unsigned long size);
__attribute__((weak)) int maybe(int);

static const char *const words[] = {"zero", "one", "two"};
static int counter;
int shared = 0;
int initialised = 7;

__attribute__((noinline)) static int twice(int x) { counter += x; return x * 2; }
static int thrice(int x) { return x * 3; }
static int (*const functions[])(int) = {twice, thrice};

int pick(int x) {
    switch (x) {
    case 0: return twice(9);
    case 1: return shared++;
    case 2: return initialised--;
    case 3: return words[shared & 1][0];
    case 4: return functions[x & 1](x);
    default: return maybe ? maybe(x) : x << 3;
    }
}

void *mpy_init(void *self, unsigned long n_args, unsigned long n_kw, void **args) {
    char copy[40];
    memcpy(copy, args, sizeof copy);
    shared += mp_native_qstr_table[1] + (mp_fun_table[2] == mp_type_str);
    return (void *)(unsigned long)(pick((int)n_args) + copy[n_kw & 7] + (self != 0));
}
