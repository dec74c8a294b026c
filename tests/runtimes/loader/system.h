// What the loader needs of an operating system: three calls and memory. system.c has them for Linux with a libc and for
// Linux on xtensa without one.
#ifndef LOADER_SYSTEM_H
#define LOADER_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

size_t read_input(uint8_t *buffer, size_t size);
void print_text(const char *text, size_t len);
void end_program(int status) __attribute__((noreturn));
// Prints a message to standard output and ends with status 70.
void fail(const char *message) __attribute__((noreturn));

// Memory that code may be put into and run from, aligned like a page.
void *executable_memory(size_t size);
// Zeroed memory, aligned for anything. There is no way to give it back.
void *allocate(size_t size);
void copy(void *to, const void *from, size_t count);
size_t length(const char *text);

// Runs the program; system.c calls it.
int host_main(int argc, char **argv);

#endif
