/* Where a runner's programs run, and how files come there and back: a machine with the files of
 * this one (an emulator's), or what `adb` speaks with. */
#ifndef RIFFLE_BACKENDS_RUN_DEVICE_H
#define RIFFLE_BACKENDS_RUN_DEVICE_H

#include "backends/output/work_folder.h"
#include "backends/program/options.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct Device {
    WorkFolder *folder; /* where the files are here */
    const char **words; /* of the runner's command; room behind them for those of a call */
    size_t word_count;
    const char *there; /* the folder on the device; NULL: the device sees the one here */
    bool is_made;
} Device;

/* Each reports what fails, with what the runner said. */

/* Makes a folder there, where it takes one. Close it in any case. */
bool device_open(Device *device, const Runner *runner, WorkFolder *folder);
/* Takes the folder away, with all in it. */
void device_close(Device *device);
bool device_put(const Device *device, const char *name);
/* Of a file that nobody made, *is_there is false; a device reports it. */
bool device_get(const Device *device, const char *name, bool *is_there);
/* Runs a program with the names of two files. */
bool device_run(const Device *device, const char *program, const char *request, const char *answer);

#endif
