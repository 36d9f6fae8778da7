/* All that is tried with one random graph, and what is known of a case that fails. */
#ifndef RIFFLE_TESTS_RANDOM_BATTERY_H
#define RIFFLE_TESTS_RANDOM_BATTERY_H

#include "check.h"

typedef struct BatteryOptions {
    const PassRegistry *registry; /* whose passes are tried; NULL: passes.def */
    int orders;                   /* random orders of passes tried with each graph */
    int compilations;             /* targets, levels and cache sizes that it is compiled for */
    int gpu_share;                /* one graph in so many is lowered for a GPU; 0: none is */
} BatteryOptions;

/* A case that fails, or did: enough to try it again. */
typedef struct Failure {
    uint64_t seed; /* of weights and inputs */
    const char *pipeline;
    const char *target; /* "" for passes only */
    bool tiny_cache;
    const char *fault; /* "KIND: more" */
} Failure;

/* Tries the passes, orders and targets that the seed stands for. In a process of its own: what it
 * finds may be a crash. NULL when all is well. */
const Failure *battery_run(
    const Graph *graph, uint64_t seed, const BatteryOptions *options, Arena *arena);
/* Tries that one again, in a process of its own: its fault, or NULL. */
const char *failure_retry(
    const Failure *failure, const Graph *graph, const PassRegistry *registry, Arena *arena);
/* The failure's graph and pipeline made small; *failure gets the shorter pipeline. */
Graph *failure_reduce(
    Failure *failure, const Graph *graph, const PassRegistry *registry, Arena *arena);

/* ---- fixtures (fixture.c): graphs that failed once ---- */

/* The failure and its graph as a .rir file with the failure in its comments. */
void fixture_print(const Failure *failure, const Graph *graph, Text *text);
/* Reads it; NULL after reporting. Without such comments: passes only, an empty pipeline. */
Graph *fixture_read(const char *path, Failure *failure, Arena *arena, Diagnostics *diagnostics);

#endif
