#include "ir/ending.h"

#include "ir/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Who runs out of memory may be anybody, a library of others among them: what the end needs cannot
 * be handed to all of them. */
static Text work;
static Ending *_Atomic endings;
static atomic_flag ends = ATOMIC_FLAG_INIT;

void ending_set_work(const char *what) {
    work.length = 0;
    text_format(&work, ", working on %s", what);
}

const char *ending_work(void) {
    return work.length > 0 ? work.data : "";
}

void ending_expect(Ending *ending, void (*clean)(void *context), void *context) {
    *ending = (Ending){clean, context, endings};
    endings = ending;
}

void ending_forget(Ending *ending) {
    if (endings == ending) {
        endings = ending->before;
        return;
    }
    for (Ending *later = endings; later != NULL; later = later->before)
        if (later->before == ending)
            later->before = ending->before;
}

static void write_error(const char *text) {
    for (size_t length = strlen(text); length > 0;) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written < 0 && errno != EINTR)
            return;
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

/* A second thread, or what fails while things are taken away, waits for the end or ends at once. */
_Noreturn void end_with(const char *const *parts, size_t count) {
    static _Thread_local bool ends_here;
    if (ends_here)
        _exit(EXIT_FAILURE);
    ends_here = true;
    while (atomic_flag_test_and_set(&ends))
        pause();
    for (Ending *ending; (ending = endings) != NULL;) {
        endings = ending->before;
        ending->clean(ending->context);
    }
    for (size_t i = 0; i < count; i++)
        write_error(parts[i]);
    _exit(EXIT_FAILURE);
}

/* ---- memory ---- */

/* Appends what limits the process, if there is something. */
static void describe_limit(
    char *hint, size_t size, const char *of, const struct rlimit *limit, const char *option) {
    size_t length = strlen(hint);
    if (limit->rlim_cur != RLIM_INFINITY)
        snprintf(hint + length, size - length, "%sits %s is limited to %" PRIu64 " KiB (ulimit %s)",
            length == 0 ? "" : ", ", of, (uint64_t)limit->rlim_cur / 1024, option);
}

/* The limits that there are; nobody knows better than the user whether they are meant. */
void ending_memory_hint(char *hint, size_t size) {
    struct rlimit limit;
    hint[0] = '\0';
    if (getrlimit(RLIMIT_AS, &limit) == 0)
        describe_limit(hint, size, "address space", &limit, "-v");
    if (getrlimit(RLIMIT_DATA, &limit) == 0)
        describe_limit(hint, size, "data", &limit, "-d");
    size_t length = strlen(hint);
    snprintf(hint + length, size - length, "%s",
        length > 0 ? ": allow more" : "end other programs, or take a machine with more memory");
}

_Noreturn void out_of_memory(void) {
    char hint[256];
    ending_memory_hint(hint, sizeof hint);
    const char *parts[] = {"riffle: error: out of memory", ending_work(), "\nhint: ", hint, "\n"};
    end_with(parts, sizeof parts / sizeof *parts);
}

void *allocate_or_end(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}
