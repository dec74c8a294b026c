#include "system.h"

enum { HEAP = 8 << 20, CODE = 1 << 20, ALIGNMENT = 16, PAGE = 4096 };

#if defined(__xtensa__)

// No libc for this core: Linux by its own calls, as qemu's user-mode emulator takes them. The number goes into a2, the
// arguments into a6, a3, a4. The program is linked with text and data in one writable segment.
static long system_call(long number, long a, long b, long c) {
    register long a2 __asm__("a2") = number;
    register long a6 __asm__("a6") = a;
    register long a3 __asm__("a3") = b;
    register long a4 __asm__("a4") = c;
    __asm__ volatile("syscall" : "+r"(a2) : "r"(a6), "r"(a3), "r"(a4) : "memory");
    return a2;
}
static long system_read(void *to, size_t size) { return system_call(12, 0, (long)to, (long)size); }
static long system_write(const void *from, size_t size) { return system_call(13, 1, (long)from, (long)size); }
void end_program(int status) {
    for (;;) {
        system_call(118, status, 0, 0);
    }
}
static uint8_t code[CODE] __attribute__((aligned(PAGE)));
void *executable_memory(size_t size) {
    if (size > CODE) {
        fail("the module is too large for this host");
    }
    return code;
}

// Called with the address of what Linux put on the stack: the number of arguments, then the arguments.
void start(long *stack) {
    end_program(host_main((int)stack[0], (char **)(stack + 1)));
}
__asm__(".section .text.entry,\"ax\"\n"
        ".global _start\n"
        "_start:\n"
        "  mov a2, a1\n"
        "  movi a0, 0\n"
        "  call0 start\n");

// The compiler may call these.
void *memcpy(void *to, const void *from, size_t count) {
    copy(to, from, count);
    return to;
}
void *memset(void *to, int value, size_t count) {
    for (volatile uint8_t *byte = to; count > 0; count--) {
        *byte++ = (uint8_t)value;
    }
    return to;
}

#else

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static long system_read(void *to, size_t size) { return read(0, to, size); }
static long system_write(const void *from, size_t size) { return write(1, from, size); }
void end_program(int status) { _exit(status); }
void *executable_memory(size_t size) {
    int access = PROT_READ | PROT_WRITE | PROT_EXEC;
    void *memory = mmap(NULL, size + (size == 0), access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail("there is no executable memory");
    }
    return memory;
}
int main(int argc, char **argv) { return host_main(argc, argv); }

#endif

size_t read_input(uint8_t *buffer, size_t size) {
    size_t total = 0;
    for (;;) {
        long count = system_read(buffer + total, size - total);
        if (count < 0 || total == size) {
            fail("cannot read the module from standard input");
        }
        if (count == 0) {
            return total;
        }
        total += (size_t)count;
    }
}

void print_text(const char *text, size_t len) {
    while (len > 0) {
        long count = system_write(text, len);
        if (count <= 0) {
            end_program(70);
        }
        text += count;
        len -= (size_t)count;
    }
}

void fail(const char *message) {
    print_text("loader: ", 8);
    print_text(message, length(message));
    print_text("\n", 1);
    end_program(70);
}

void *allocate(size_t size) {
    static uint8_t heap[HEAP] __attribute__((aligned(ALIGNMENT)));
    static size_t used;
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > HEAP || rounded > HEAP - used) {
        fail("out of memory");
    }
    used += rounded;
    return heap + used - rounded;
}

void copy(void *to, const void *from, size_t count) {
    const volatile uint8_t *source = from;
    for (uint8_t *byte = to; count > 0; count--) {
        *byte++ = *source++;
    }
}

size_t length(const char *text) {
    size_t count = 0;
    while (text[count] != 0) {
        count++;
    }
    return count;
}
