/* Runs the system's C compiler on the C source of a program, in a folder of its own that is gone
 * afterwards. */
#ifndef RIFFLE_BACKENDS_OUTPUT_C_OBJECTS_H
#define RIFFLE_BACKENDS_OUTPUT_C_OBJECTS_H

#include "backends/output/work_folder.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"

typedef struct Build {
    const Graph *graph; /* or NULL: the source then declares itself what the header would */
    const Program *program;
    Diagnostics *diagnostics;
    Arena *arena;
    WorkFolder folder;
    const char *source, *weights; /* names of the files there */
} Build;

/* Makes the folder and writes the source files. False after reporting; end it in any case. */
bool build_begin(Build *build);
/* Runs the compiler there: the flags that all of riffle's C sources are compiled with, those of
 * the environment variable CFLAGS, then `arguments`, up to a NULL. False after reporting, with what
 * the compiler said. */
bool build_run(Build *build, const char *const *arguments);
/* Removes the folder. */
void build_end(Build *build);

/* The object files of libNAME.a; that of the weights lies in the program's arena. */
bool c_compile_objects(const Graph *graph, const Program *program, Text *code, Splice *weights,
    Diagnostics *diagnostics);

#endif
