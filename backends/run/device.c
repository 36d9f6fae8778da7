#include "backends/run/device.h"
#include "backends/output/command.h"
#include "backends/output/work_folder.h"
#include "backends/program/options.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WORDS_OF_CALL = 4 };

/* Where everybody may make files and run them, on all of Android's versions. */
static const char folder_of_devices[] = "/data/local/tmp";

static void report_not_started(const Device *device) {
    const char *program = device->words[0];
    const char *hint = device->there != NULL
                           ? "adb is one of Android's platform tools, and a package of many systems"
                           : "--runner takes a program of the PATH and its first arguments";
    diagnostics_error(device->folder->diagnostics, errno == ENOENT ? hint : NULL,
        "cannot start the runner '%s': %s", program, strerror(errno));
}

static void report_failed(const Device *device, int status, const char *what) {
    const WorkFolder *folder = device->folder;
    Text said = {0};
    const char *end = work_folder_read_messages(folder, &said) && said.length > 0 ? ":" : "";
    text_free(&said);
    if (status == 128)
        diagnostics_error(folder->diagnostics, NULL, "a signal ended the runner '%s' while it %s%s",
            device->words[0], what, end);
    else
        diagnostics_error(folder->diagnostics, NULL,
            "the runner '%s' ended with exit status %d while it %s%s", device->words[0], status,
            what, end);
    work_folder_show_messages(folder);
}

static void set_words(const Device *device, const char *const *words) {
    size_t count = device->word_count;
    for (; *words != NULL; words++)
        device->words[count++] = *words;
    device->words[count] = NULL;
}

/* Runs the runner with these words behind its own. */
static bool call(const Device *device, const char *const *words, const char *what) {
    set_words(device, words);
    int status = work_folder_run_from_here(device->folder, device->words);
    if (status < 0)
        report_not_started(device);
    if (status <= 0)
        return status == 0;
    report_failed(device, status, what);
    return false;
}

static bool call_shell(const Device *device, const char *command, const char *what) {
    return call(device, (const char *const[]){"shell", command, NULL}, what);
}

static const char *path_there(const Device *device, const char *name) {
    return arena_format(device->folder->arena, "%s/%s", device->there, name);
}

bool device_open(Device *device, const Runner *runner, WorkFolder *folder) {
    *device = (Device){.folder = folder};
    size_t most = strlen(runner->command) / 2 + 1 + MOST_WORDS_OF_CALL + 1;
    device->words = ARENA_ARRAY(folder->arena, const char *, most);
    device->word_count = command_split(folder->arena, runner->command, device->words, 0);
    if (device->word_count == 0) {
        diagnostics_error(folder->diagnostics, "give a command: --runner qemu-aarch64",
            "--runner names no program");
        return false;
    }
    if (strcmp(basename(device->words[0]), "adb") != 0)
        return true;
    device->there = arena_format(
        folder->arena, "%s/%s", folder_of_devices, basename(folder->path)); /* like no other */
    device->is_made =
        call_shell(device, arena_format(folder->arena, "mkdir %s", device->there), "made a folder");
    return device->is_made;
}

void device_close(Device *device) {
    const WorkFolder *folder = device->folder;
    if (!device->is_made)
        return;
    device->is_made = false;
    set_words(device, (const char *const[]){
                          "shell", arena_format(folder->arena, "rm -rf %s", device->there), NULL});
    if (work_folder_run_at_last(folder, device->words) != 0)
        diagnostics_error(folder->diagnostics, NULL,
            "the folder '%s' could not be taken off the device", device->there);
}

bool device_put(const Device *device, const char *name) {
    return device->there == NULL ||
           call(device,
               (const char *const[]){
                   "push", work_folder_path(device->folder, name), path_there(device, name), NULL},
               "copied a file to the device");
}

bool device_get(const Device *device, const char *name, bool *is_there) {
    *is_there = device->there != NULL || access(work_folder_path(device->folder, name), F_OK) == 0;
    return device->there == NULL || call(device,
                                        (const char *const[]){"pull", path_there(device, name),
                                            work_folder_path(device->folder, name), NULL},
                                        "copied a file from the device");
}

bool device_run(
    const Device *device, const char *program, const char *request, const char *answer) {
    static const char what[] = "ran the network";
    const WorkFolder *folder = device->folder;
    (void)unlink(work_folder_path(folder, answer)); /* of the run before */
    if (device->there == NULL)
        return call(device,
            (const char *const[]){work_folder_path(folder, program),
                work_folder_path(folder, request), work_folder_path(folder, answer), NULL},
            what);
    return call_shell(device,
        arena_format(folder->arena, "cd %s && rm -f %s && chmod 700 %s && ./%s %s %s",
            device->there, answer, program, program, request, answer),
        what);
}
