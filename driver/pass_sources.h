/* Passes from files: --load-pass-plugin=FILE and --rules=FILE, for every command that takes passes.
 * Their parsers call pass_source_load, so that all are there before any pipeline is read. */
#ifndef RIFFLE_DRIVER_PASS_SOURCES_H
#define RIFFLE_DRIVER_PASS_SOURCES_H

#include "driver/driver.h"
#include "passes/passes.h"

enum { OPTION_LOAD_PASS_PLUGIN = 3000, OPTION_RULES };

/* The rows of an option table. (A child of argp would stand in a group of its own.) */
#define PASS_SOURCE_ROWS                                                                           \
    {"load-pass-plugin", OPTION_LOAD_PASS_PLUGIN, "FILE", 0,                                       \
        "Take passes from this shared object, too; may be repeated", 0},                           \
        {"rules", OPTION_RULES, "FILE", 0,                                                         \
            "Take the rewrites of this file as passes, too; may be repeated", 0}

/* Adds the passes of the file to the registry. False after reporting. */
bool pass_source_load(int key, const char *path, PassRegistry *registry, Session *session);
/* The options as they were given, with this one: " --rules=FILE". */
const char *pass_source_note(int key, const char *path, const char *before, Arena *arena);

#endif
