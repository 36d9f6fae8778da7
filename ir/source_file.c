#include "ir/source_file.h"

#include "ir/text.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As read(2), but waits for bytes also where it would not. */
static ssize_t read_some(int descriptor, char *buffer, size_t size) {
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    ssize_t got;
    while ((got = read(descriptor, buffer, size)) < 0 && (errno == EAGAIN || errno == EINTR))
        if (errno == EAGAIN)
            (void)poll(&wait, 1, -1);
    return got;
}

/* Whether an empty file is a pipe with a name that no program has open to write. One that had a
 * writer says so. */
static bool is_pipe_without_writer(int descriptor) {
    struct stat status;
    struct pollfd state = {.fd = descriptor, .events = POLLIN};
    return fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) && poll(&state, 1, 0) == 0;
}

/* Of a file that is too large, what was read says which kind it is. */
static SourceFile *read_descriptor(int descriptor, const char *name, size_t size_limit,
    const WantedFile *wanted, Arena *arena, Diagnostics *diagnostics) {
    Text text = {0};
    char buffer[16384];
    ssize_t got = 0;
    while (text.length <= size_limit && (got = read_some(descriptor, buffer, sizeof buffer)) > 0)
        text_append_bytes(&text, buffer, (size_t)got);
    SourceFile *file = NULL;
    if (got < 0) {
        diagnostics_error(diagnostics, NULL, "cannot read '%s': %s", name, strerror(errno));
    } else if (wanted != NULL &&
               !file_is_wanted(name, text.data, text.length, wanted, diagnostics)) {
        /* reported */
    } else if (text.length > size_limit) {
        diagnostics_error(
            diagnostics, NULL, "'%s' is larger than the limit of %zu bytes", name, size_limit);
    } else if (text.length == 0 && is_pipe_without_writer(descriptor)) {
        diagnostics_error(diagnostics, "start the program that writes it first",
            "'%s' is a pipe that no program has open to write", name);
    } else {
        file = ARENA_NEW(arena, SourceFile);
        file->name = arena_copy_string(arena, name);
        file->text = arena_copy_bytes(arena, text.data, text.length);
        file->length = text.length;
    }
    text_free(&text);
    return file;
}

SourceFile *source_file_read(const char *path, size_t size_limit, const WantedFile *wanted,
    Arena *arena, Diagnostics *diagnostics) {
    if (strcmp(path, "-") == 0)
        return read_descriptor(STDIN_FILENO, "<stdin>", size_limit, wanted, arena, diagnostics);
    int descriptor = diagnostics_open_input(diagnostics, path);
    if (descriptor < 0) {
        diagnostics_error(diagnostics, NULL, "cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    SourceFile *file = read_descriptor(descriptor, path, size_limit, wanted, arena, diagnostics);
    close(descriptor);
    return file;
}

SourceFile *source_file_read_text(const char *path, size_t size_limit, const WantedFile *wanted,
    Arena *arena, Diagnostics *diagnostics) {
    SourceFile *file = source_file_read(path, size_limit, wanted, arena, diagnostics);
    if (file != NULL && file->length >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0) {
        file->text += 3;
        file->length -= 3;
    }
    return file;
}
