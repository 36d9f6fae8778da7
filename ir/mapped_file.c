#include "ir/mapped_file.h"

#include "ir/ending.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- files that are cut short ----
 *
 * A signal has no argument but the address, so its handler must find the file by itself: this is
 * the one list that cannot be given to those who need it. Opening and closing is for one thread;
 * others may read what is mapped. */

static MappedFile *_Atomic mapped_files;
static struct sigaction action_before; /* of SIGBUS, while there is a file in the list */

static const MappedFile *file_at(const void *address) {
    const MappedFile *file = mapped_files;
    while (file != NULL && (uintptr_t)address - (uintptr_t)file->bytes >= file->size)
        file = file->next;
    return file;
}

/* The signal is of an access to one of the files, and so of riffle's own code, which is in the
 * middle of nothing that taking things away needs. */
static void end_process(int number, siginfo_t *information, void *context) {
    (void)context;
    const MappedFile *file = information->si_code > 0 ? file_at(information->si_addr) : NULL;
    if (file ==
        NULL) { /* not ours: the access is tried again, with whoever had the signal before */
        sigaction(number, &action_before, NULL);
        if (information->si_code <= 0)
            raise(number);
        return;
    }
    const char *parts[] = {file->path, ": error: the file was cut short while it was read\n"};
    end_with(parts, 2);
}

static void watch(MappedFile *file) {
    if (mapped_files == NULL) {
        struct sigaction action = {.sa_sigaction = end_process, .sa_flags = SA_SIGINFO};
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, &action_before);
    }
    file->next = mapped_files;
    mapped_files = file;
}

static void stop_watching(const MappedFile *file) {
    if (mapped_files == file) {
        mapped_files = file->next;
    } else {
        MappedFile *before = mapped_files;
        while (before->next != file)
            before = before->next;
        before->next = file->next;
    }
    if (mapped_files == NULL)
        sigaction(SIGBUS, &action_before, NULL);
}

/* ---- mapping ---- */

static bool map(MappedFile *file, Diagnostics *diagnostics) {
    if (fstat(file->descriptor, &file->status) != 0) {
        diagnostics_error(diagnostics, NULL, "cannot read '%s': %s", file->path, strerror(errno));
        return false;
    }
    if (!S_ISREG(file->status.st_mode)) {
        diagnostics_error(diagnostics, NULL, "'%s' is no regular file", file->path);
        return false;
    }
    file->bytes = (const unsigned char *)"";
    file->size = (size_t)file->status.st_size;
    if (file->size == 0)
        return true;
    void *mapping = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
    if (mapping == MAP_FAILED) {
        diagnostics_error(diagnostics, NULL, "cannot map '%s': %s", file->path, strerror(errno));
        return false;
    }
    file->bytes = mapping;
    return true;
}

bool mapped_file_open(MappedFile *file, const char *path, Diagnostics *diagnostics) {
    *file = (MappedFile){.path = path, .descriptor = diagnostics_open_input(diagnostics, path)};
    if (file->descriptor < 0) {
        diagnostics_error(diagnostics, NULL, "cannot open '%s': %s", path, strerror(errno));
        return false;
    }
    if (!map(file, diagnostics)) {
        close(file->descriptor);
        return false;
    }
    watch(file);
    return true;
}

void mapped_file_close(MappedFile *file) {
    stop_watching(file);
    if (file->size > 0)
        munmap((void *)(uintptr_t)file->bytes, file->size);
    close(file->descriptor);
    *file = (MappedFile){0};
}

bool mapped_file_check(const MappedFile *file, Diagnostics *diagnostics) {
    const struct timespec *before = &file->status.st_mtim;
    struct stat now;
    if (fstat(file->descriptor, &now) == 0 && now.st_size == file->status.st_size &&
        now.st_mtim.tv_sec == before->tv_sec && now.st_mtim.tv_nsec == before->tv_nsec)
        return true;
    diagnostics_error(diagnostics, "try again when no other program writes it",
        "the file '%s' was changed while it was read", file->path);
    return false;
}
