#include "ir/write_files.h"

#include "ir/ending.h"
#include "ir/resting.h"
#include "ir/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 24, PATIENCE_MS = 100 };

/* What was done so far for one file. */
typedef struct Stage {
    Text temporary; /* the name of the new file; empty for what is written in place */
    Text old;       /* the name that keeps the old file; empty if there is none */
    bool renamed;
} Stage;

/* Stops at a signal that was held, even while a pipe is full. */
static int write_all(int file, const char *data, size_t length, const HeldSignals *signals) {
    struct pollfd wait = {.fd = file, .events = POLLOUT};
    while (length > 0 && !signals_came(signals)) {
        ssize_t written = write(file, data, length < PIECE ? length : PIECE);
        if (written < 0 && errno == EAGAIN)
            (void)poll(&wait, 1, PATIENCE_MS);
        else if (written < 0 && errno != EINTR)
            return errno;
        data += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return length > 0 ? EINTR : 0;
}

/* In pieces, each of which rests again. */
static int write_splice(int file, const Splice *splice, const HeldSignals *signals) {
    int error = 0;
    for (size_t done = 0; done < splice->length && error == 0; done += PIECE) {
        size_t left = splice->length - done, piece = left < PIECE ? left : PIECE;
        error = write_all(file, splice->bytes + done, piece, signals);
        if (splice->rests)
            memory_rest(splice->bytes + done, piece);
    }
    return error;
}

static int write_and_close(int descriptor, const FileToWrite *file, const HeldSignals *signals) {
    const Text *text = file->contents;
    const Splice *splice = &file->splice;
    int error = write_all(descriptor, text->data, splice->at, signals);
    if (error == 0)
        error = write_splice(descriptor, splice, signals);
    if (error == 0 && text->length > splice->at)
        error = write_all(descriptor, text->data + splice->at, text->length - splice->at, signals);
    if (close(descriptor) != 0 && error == 0)
        error = errno;
    return error;
}

/* mkstemp makes private files; what the user asked for gets the mode that open() would give. */
static void set_usual_mode(int file) {
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(file, 0666 & ~mask);
}

static int write_temporary(const FileToWrite *file, Stage *stage, const HeldSignals *signals) {
    struct stat status;
    if (stat(file->path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return EISDIR;
        if (!S_ISREG(status.st_mode))
            return 0;
    }
    Text name = {0};
    text_format(&name, "%s.XXXXXX", file->path);
    int descriptor = mkostemp(name.data, O_CLOEXEC);
    if (descriptor < 0) {
        int error = errno;
        text_free(&name);
        return error;
    }
    stage->temporary = name;
    set_usual_mode(descriptor);
    return write_and_close(descriptor, file, signals);
}

/* Waits neither for a reader nor, for ever, for one that reads. A pipe whose reader goes is an
 * error (EPIPE), not the end of the process. */
static int write_in_place(const FileToWrite *file, const HeldSignals *signals) {
    int descriptor = open(file->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return errno;
    sigset_t broken_pipe, mask;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &broken_pipe, &mask);
    int error = write_and_close(descriptor, file, signals);
    if (error == EPIPE)
        (void)sigtimedwait(&broken_pipe, NULL, &(struct timespec){0});
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return error;
}

/* Gives the old file a second name, or where the file system has no links, another one. */
static int keep_old(const FileToWrite *file, Stage *stage) {
    Text name = {0};
    text_format(&name, "%s.old", stage->temporary.data);
    int error = 0;
    if (linkat(AT_FDCWD, file->path, AT_FDCWD, name.data, 0) != 0 &&
        (errno == ENOENT || rename(file->path, name.data) != 0)) {
        error = errno == ENOENT ? 0 : errno;
        text_free(&name);
    }
    stage->old = name;
    return error;
}

/* The last rename changes nothing if it fails, so what it replaces needs no second name. */
static int put_in_place(const FileToWrite *file, Stage *stage, bool last) {
    int error = last ? 0 : keep_old(file, stage);
    if (error != 0)
        return error;
    if (rename(stage->temporary.data, file->path) != 0)
        return errno;
    stage->renamed = true;
    return 0;
}

static void undo(const FileToWrite *file, Stage *stage) {
    if (stage->old.length > 0) {
        (void)rename(stage->old.data, file->path);
        (void)unlink(stage->old.data); /* rename leaves both names of one file as they are */
    } else if (stage->renamed) {
        (void)unlink(file->path);
    }
    if (stage->temporary.length > 0 && !stage->renamed)
        (void)unlink(stage->temporary.data);
}

/* Goes through the files up to the first that fails, whose index comes to be in `at`. */
static int stage_and_rename(
    const FileToWrite *files, Stage *stages, size_t count, const HeldSignals *signals, size_t *at) {
    int error = 0;
    size_t last = count;
    for (*at = 0; *at < count; ++*at) {
        if ((error = write_temporary(&files[*at], &stages[*at], signals)) != 0)
            return error;
        if (stages[*at].temporary.length > 0)
            last = *at;
    }
    for (*at = 0; *at < count; ++*at)
        if (stages[*at].temporary.length == 0 &&
            (error = write_in_place(&files[*at], signals)) != 0)
            return error;
    for (*at = 0; *at < count; ++*at)
        if (stages[*at].temporary.length > 0 &&
            (error = put_in_place(&files[*at], &stages[*at], *at == last)) != 0)
            return error;
    return 0;
}

typedef struct Stages {
    const FileToWrite *files;
    Stage *items;
    size_t count;
} Stages;

static void undo_all(void *context) {
    const Stages *stages = context;
    for (size_t i = stages->count; i-- > 0;)
        undo(&stages->files[i], &stages->items[i]);
}

int write_files(const FileToWrite *files, size_t count, size_t *failed) {
    if (count == 0)
        return 0;
    size_t at = 0;
    Stage *stages = calloc(count, sizeof *stages);
    if (stages == NULL)
        out_of_memory();
    HeldSignals signals;
    signals_hold(&signals);
    Stages all = {files, stages, count};
    Ending ending;
    ending_expect(&ending, undo_all, &all);
    int error = stage_and_rename(files, stages, count, &signals, &at);
    ending_forget(&ending);
    if (error != 0 && failed != NULL)
        *failed = at;
    if (error != 0)
        undo_all(&all);
    for (size_t i = count; i-- > 0;) {
        if (error == 0 && stages[i].old.length > 0)
            (void)unlink(stages[i].old.data);
        text_free(&stages[i].temporary);
        text_free(&stages[i].old);
    }
    free(stages);
    signals_release(&signals); /* what came ends the process here */
    return error;
}

int text_write_file(const Text *text, const char *path) {
    FileToWrite file = {.path = path, .contents = text};
    return write_files(&file, 1, NULL);
}

void report_unwritten(Diagnostics *diagnostics, const char *path, int error) {
    diagnostics_error(diagnostics,
        error == ENXIO ? "if it is a pipe, start the program that reads it first" : NULL,
        "cannot write '%s': %s", path, strerror(error));
}
