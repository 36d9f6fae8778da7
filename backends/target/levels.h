/* Several targets in one library (levels.c; table in levels.def). */
#ifndef RIFFLE_BACKENDS_TARGET_LEVELS_H
#define RIFFLE_BACKENDS_TARGET_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_LEVELS = 4 };

typedef struct TargetLevel {
    const char *target;                     /* name; NULL behind the last level */
    int number;                             /* in the enum of the header */
    const char *word;                       /* in symbols: "x86_64_v3" */
    uint32_t leaf_1, leaf_80000001, leaf_7; /* x86, of cpuid: bits of ecx, ecx and ebx */
    uint32_t kept_state;                    /* of xcr0 */
    bool in_order;                          /* ARM: for the cores of cores.def that do */
} TargetLevel;

typedef struct TargetLevels {
    const char *name, *triple;
    const char *base; /* the target of code that runs before the processor is known */
    const char *summary;
    TargetLevel levels[MOST_LEVELS]; /* from the lowest on */
} TargetLevels;

const TargetLevels *target_levels_table(size_t *count);

/* NULL when the name is that of no row. */
const TargetLevels *target_levels_find(const char *name);
int target_levels_count(const TargetLevels *levels);

#endif
