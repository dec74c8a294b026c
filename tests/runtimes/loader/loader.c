// A test host for native modules of architectures that have no MicroPython here: loads a `.mpy` file as
// py/persistentcode.c documents, runs its `mpy_init` and calls one of its functions.
//
//     loader FUNCTION ARGUMENT… <module.mpy     calls it and prints the result as Python would
//     loader <module.mpy                        prints the names that the module defines
//
// Arguments are integers, `s:text` for a str and `x:hex` for bytes. It is no interpreter: memory is never freed, raising
// ends the program (status 1), and what a module may ask of it is what this file defines. Anything else ends it with
// status 70 and the number of the missing entry of mp_fun_table, so that a wrong number cannot pass unnoticed.
#include "objects.h"
#include "system.h"

// ---------------------------------------------------------------------------------------------------------------------
// The file

enum { ABI_VERSION = 6, ABI_SUB_VERSION = 3, STATIC_QSTRS = 165, MAX_FILE = 1 << 20 };
enum { SCOPE_RELOC = 0x10, SCOPE_RODATA = 0x20, SCOPE_BSS = 0x40, KIND_VIPER = 2 };

static const uint8_t *at, *end;

static uint8_t read_byte(void) {
    if (at == end) {
        fail("the file ends early");
    }
    return *at++;
}

static size_t read_uint(void) {
    size_t value = 0;
    for (;;) {
        uint8_t group = read_byte();
        value = value << 7 | (group & 0x7f);
        if (group < 0x80) {
            return value;
        }
    }
}

static const uint8_t *read_bytes(size_t count) {
    const uint8_t *bytes = at;
    if (count > (size_t)(end - at)) {
        fail("the file ends early");
    }
    at += count;
    return bytes;
}

static uint16_t read_qstr(void) {
    size_t head = read_uint();
    if (head & 1) { // a static qstr, by its number
        if (head >> 1 > STATIC_QSTRS) {
            fail("a static qstr's number is too high");
        }
        return (uint16_t)(head >> 1);
    }
    const char *text = (const char *)read_bytes((head >> 1) + 1);
    return intern(text, head >> 1);
}

// One address to adjust at a time, or a run of them; text and rodata are adjusted in place.
static void relocate(uintptr_t *text, size_t text_words, uintptr_t *rodata, size_t rodata_words, void *bss,
    const mp_module_context_t *context) {
    uintptr_t *place = NULL, *limit = NULL;
    for (uint8_t op; (op = read_byte()) != 0xff;) {
        if (op & 1) {
            size_t address = read_uint();
            uintptr_t *base = address & 1 ? rodata : text;
            place = base + (address >> 1);
            limit = base + (address & 1 ? rodata_words : text_words);
        }
        unsigned kind = op >> 1;
        size_t count = kind <= 5 && kind & 1 ? read_uint() : 1;
        uintptr_t addend;
        switch (kind) {
            case 0: case 1: addend = (uintptr_t)text; break;
            case 2: case 3: addend = (uintptr_t)rodata; break;
            case 4: case 5: addend = (uintptr_t)bss; break;
            case 6: addend = (uintptr_t)context->qstr_table; break;
            case 7: addend = (uintptr_t)context->obj_table; break;
            case 8: addend = (uintptr_t)fun_table; break;
            default:
                if (kind - 9 >= FUN_TABLE_ENTRIES) {
                    fail("a relocation names an entry that mp_fun_table does not have");
                }
                addend = (uintptr_t)fun_table[kind - 9];
        }
        for (; count > 0; count--, place++) {
            if (place == NULL || place >= limit) {
                fail("a relocation is outside of its section");
            }
            *place += addend;
        }
    }
}

static mp_obj_fun_bc_t module;
static mp_module_context_t context;

// Reads the module and returns the address of its entry.
static mp_call_fun_t load(void) {
    const uint8_t *header = read_bytes(4);
    if (header[0] != 'M' || header[1] != ABI_VERSION) {
        fail("this is no .mpy file of version 6");
    }
    if ((header[2] >> 2 & 0x0f) != ARCH_NUMBER || (header[2] & 3) != ABI_SUB_VERSION) {
        fail("the module is for another architecture or ABI");
    }
    if (header[2] & 0x40) {
        read_uint(); // instruction set extensions: the emulator has them all
    }
    size_t qstrs = read_uint();
    size_t objects = read_uint();
    if (objects != 0) {
        fail("the module has Python code, which this host cannot run");
    }
    context.qstr_table = allocate(qstrs * sizeof(uint16_t));
    for (size_t i = 0; i < qstrs; i++) {
        context.qstr_table[i] = read_qstr();
    }
    size_t kind_len = read_uint();
    if ((kind_len & 3) != KIND_VIPER || kind_len & 4) {
        fail("the module has Python code, which this host cannot run");
    }
    size_t text_size = kind_len >> 3;
    uint8_t *text = executable_memory(text_size);
    copy(text, read_bytes(text_size), text_size);
    size_t scope = read_uint();
    size_t rodata_size = scope & SCOPE_RODATA ? read_uint() : 0;
    size_t bss_size = scope & SCOPE_BSS ? read_uint() : 0;
    uint8_t *bss = allocate(bss_size);
    uint8_t *rodata = allocate(rodata_size);
    copy(rodata, read_bytes(rodata_size), rodata_size);
    if (scope & SCOPE_RELOC) {
        relocate((uintptr_t *)text, text_size / sizeof(uintptr_t), (uintptr_t *)rodata, rodata_size / sizeof(uintptr_t),
            bss, &context);
    }
    if (at != end) {
        fail("bytes follow the module");
    }
    return (mp_call_fun_t)(uintptr_t)text;
}

// ---------------------------------------------------------------------------------------------------------------------
// The command line

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static mp_obj_t parse_hex(const char *text) {
    size_t count = length(text) / 2;
    uint8_t *bytes = allocate(count);
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            fail("an argument x:… is not hexadecimal");
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return new_bytes(bytes, count);
}

static mp_obj_t parse(const char *text) {
    if (text[0] == 's' && text[1] == ':') {
        return new_str(text + 2, length(text + 2));
    }
    if (text[0] == 'x' && text[1] == ':') {
        return parse_hex(text + 2);
    }
    bool negative = text[0] == '-';
    mp_int_t value = 0;
    for (const char *digit = text + negative; *digit != 0; digit++) {
        if (*digit < '0' || *digit > '9') {
            fail("an argument is neither an integer nor s:… nor x:…");
        }
        value = value * 10 + (*digit - '0');
    }
    return new_int(negative ? -value : value);
}

int host_main(int argc, char **argv) {
    static uint8_t file[MAX_FILE];
    size_t size = read_input(file, sizeof(file));
    at = file;
    end = file + size;
    set_up_objects();
    context.module.globals = globals();
    module.context = &context;
    mp_call_fun_t entry = load();
    entry(&module, 0, 0, NULL);
    if (argc < 2) {
        print_names();
        return 0;
    }
    mp_obj_t args[16];
    size_t n_args = 0;
    for (int i = 2; i < argc && n_args < 16; i++) {
        args[n_args++] = parse(argv[i]);
    }
    print_repr(call(lookup(argv[1]), n_args, 0, args));
    print_text("\n", 1);
    return 0;
}
