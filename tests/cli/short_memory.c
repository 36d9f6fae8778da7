/* Preloaded into riffle: of the allocations that are made from main() on, the one with the number
 * that SHORT_MEMORY gives fails, and so do those after it; with SHORT_MEMORY_ONCE, they do not.
 * With SHORT_MEMORY_COUNT, their number is written to that file at the end. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static atomic_bool counts;
static atomic_long allocations;
static long failing;
static bool once;

static bool fails(void) {
    if (!counts)
        return false;
    long number = ++allocations;
    bool does = failing > 0 && (once ? number == failing : number >= failing);
    if (does)
        errno = ENOMEM;
    return does;
}

EXPORTED void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

EXPORTED void *realloc(void *memory, size_t size) {
    return fails() ? NULL : __libc_realloc(memory, size);
}

typedef int Main(int argc, char **argv, char **environment);
static Main *real_main;

static void report(void) {
    counts = false;
    const char *path = getenv("SHORT_MEMORY_COUNT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) {
        fprintf(file, "%ld\n", (long)allocations);
        fclose(file);
    }
}

static int counted_main(int argc, char **argv, char **environment) {
    const char *number = getenv("SHORT_MEMORY");
    failing = number != NULL ? atol(number) : 0;
    once = getenv("SHORT_MEMORY_ONCE") != NULL;
    unsetenv("LD_PRELOAD"); /* programs that riffle starts have memory */
    counts = true;
    int status = real_main(argc, argv, environment);
    report();
    return status;
}

typedef int Start(Main *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
    void (*rtld_fini)(void), void *stack_end);

EXPORTED int __libc_start_main(Main *main, int argc, char **argv, void (*init)(void),
    void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
    void *symbol = dlsym(RTLD_NEXT, "__libc_start_main");
    Start *start;
    memcpy(&start, &symbol, sizeof start);
    real_main = main;
    return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
