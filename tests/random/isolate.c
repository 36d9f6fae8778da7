#include "isolate.h"

#include "ir/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_FAULT = 42 };

static void __attribute__((noreturn)) run_child(
    IsolatedFunction *function, void *context, unsigned seconds, int pipe) {
    /* Of the processor's time: others may keep it from us. */
    struct rlimit limit = {seconds, seconds + 1};
    setrlimit(RLIMIT_CPU, &limit);
    dup2(pipe, STDERR_FILENO); /* a failed assertion says which it was */
    Arena *arena = arena_create();
    const char *fault = function(context, arena);
    if (fault == NULL)
        _exit(0);
    size_t length = strlen(fault);
    while (length > 0) {
        ssize_t written = write(pipe, fault, length);
        if (written <= 0)
            break;
        fault += written;
        length -= (size_t)written;
    }
    _exit(EXIT_FAULT);
}

static void read_all(int pipe, Text *text) {
    char buffer[4096];
    ssize_t count;
    while ((count = read(pipe, buffer, sizeof buffer)) > 0)
        text_append_bytes(text, buffer, (size_t)count);
}

static const char *describe_end(int status, const Text *said, Arena *arena) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAULT)
        return arena_copy_string(arena, said->data == NULL ? "" : said->data);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return "endless: it takes too long";
    const char *words = said->data == NULL ? "" : said->data;
    if (WIFSIGNALED(status))
        return arena_format(arena, "crash: %s: %s", strsignal(WTERMSIG(status)), words);
    return arena_format(arena, "crash: exit status %d: %s", WEXITSTATUS(status), words);
}

const char *isolated(IsolatedFunction *function, void *context, unsigned seconds, Arena *arena) {
    int ends[2], status = 0;
    fflush(NULL);
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        close(ends[0]);
        run_child(function, context, seconds, ends[1]);
    }
    close(ends[1]);
    Text said = {0};
    read_all(ends[0], &said);
    close(ends[0]);
    if (waitpid(child, &status, 0) != child)
        abort();
    const char *result = describe_end(status, &said, arena);
    text_free(&said);
    return result;
}
