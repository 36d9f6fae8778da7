/* Several targets in one library (levels.c; table in levels.def). */
#ifndef RIFFLE_BACKENDS_TARGET_LEVELS_H
#define RIFFLE_BACKENDS_TARGET_LEVELS_H

#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_LEVELS = 6 };

typedef struct TargetLevel {
    const char *target;                     /* name; NULL behind the last level */
    int number;                             /* in the enum of the header */
    const char *word;                       /* in symbols: "x86_64_v3" */
    uint32_t leaf_1, leaf_80000001, leaf_7; /* x86, of cpuid: bits of ecx, ecx and ebx */
    uint32_t kept_state;                    /* of xcr0 */
    bool in_order;                          /* ARM: for the cores of cores.def that do */
    uint32_t hwcap, hwcap2;                 /* ARM: bits of what the system says, */
    uint32_t byte_hwcap;                    /* and where the network computes with bytes */
    const char *features;                   /* of LLVM, besides the target's; NULL: none */
} TargetLevel;

typedef struct TargetLevels {
    const char *name, *triple;
    const char *base; /* the target of code that runs before the processor is known */
    const char *summary;
    TargetLevel levels[MOST_LEVELS]; /* from the lowest on */
    const char *platform;            /* as the user gave it; NULL: that of the targets alone */
} TargetLevels;

const TargetLevels *target_levels_table(size_t *count);

/* NULL when the name is that of no row. */
const TargetLevels *target_levels_find(const char *name);
int target_levels_count(const TargetLevels *levels);

/* A level that serves as an example of a single target. */
const char *target_levels_example(const TargetLevels *levels);

/* The same levels for a platform, as --cpu of it; NULL after reporting that it has none. */
const TargetLevels *target_levels_on(
    const TargetLevels *levels, const char *platform, Arena *arena, Diagnostics *diagnostics);

/* What code is made for: at the level of that index, and before the processor is known. */
const Target *target_levels_target(
    const TargetLevels *levels, int index, Arena *arena, Diagnostics *diagnostics);
const Target *target_levels_base(
    const TargetLevels *levels, Arena *arena, Diagnostics *diagnostics);

#endif
