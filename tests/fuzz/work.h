/* What one try of a reader works with. */
#ifndef RIFFLE_TESTS_FUZZ_WORK_H
#define RIFFLE_TESTS_FUZZ_WORK_H

#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "tests/fuzz/readers.h"

typedef struct Work {
    Arena *arena;
    Diagnostics *diagnostics;
} Work;

Work work_begin(void);
void work_end(Work *work);
/* Says what is wrong, with the diagnostics so far, and aborts. */
_Noreturn void work_fail(const Work *work, const char *what);
/* Fails unless a file was either taken or refused with an error. Returns `taken`. */
bool work_check(const Work *work, bool taken);

/* ---- kernels (readers_kernels.c) ---- */

bool try_rkir(const Text *file);
int rkir_seeds(Text *seeds, int most);

/* ---- rules (readers_rules.c) ---- */

bool try_rules(const Text *file);
int rules_seeds(const char *examples, Text *seeds, int most);

/* ---- readers that want a path (readers_files.c) ---- */

bool try_weights(const Text *file);
bool try_tuning(const Text *file);
bool try_picture(const Text *file);
/* The network whose weights the readers of weights are asked for. */
Graph *weighted_graph(Arena *arena, Diagnostics *diagnostics);
extern const char tuning_target[]; /* the target that the tunings are for */

#endif
