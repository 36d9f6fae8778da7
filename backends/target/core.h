/* Cores, as predictions of time have them (cores.def). */
#ifndef RIFFLE_BACKENDS_TARGET_CORE_H
#define RIFFLE_BACKENDS_TARGET_CORE_H

#include "ir/arena.h"
#include <stdbool.h>

enum { MOST_CORE_NAMES = 3 };

typedef struct Core {
    const char *names[MOST_CORE_NAMES]; /* of LLVM's processors that have it */
    bool in_order;
    int parts[MOST_CORE_NAMES]; /* numbers by which ARM's MIDR_EL1 tells those that work in order */
    int vector_bytes; /* that one instruction computes at the rates below; wider ones take more */
    double issue;     /* instructions that begin in a cycle */
    double multiply_adds; /* of those, by class: full vectors, */
    double vectors;       /* all that computes with vectors, */
    double loads, stores, integers;
    double multiply_add_latency, vector_latency, load_latency;
    double wide_load_blocks;  /* cycles of a load of a full vector in which nothing else begins, */
    double wide_store_blocks; /* and of a store */
    int l1_kib, last_kib;     /* the first-level cache, and this core's share of the last one */
    double next_bytes;        /* a cycle, from behind the first-level cache */
    double memory_gigabytes;  /* a second, from behind the last */
    double hidden;            /* how much of the time of data from there passes beside computing */
} Core;

/* All; *count is set. */
const Core *core_table(int *count);

/* The core of the processor that LLVM calls that; NULL: there is no row. */
const Core *core_find(const char *processor);

/* The names that core_find takes, joined by commas. */
const char *core_names(Arena *arena);

#endif
