/* Inside of vectors.c and vector_lanes.c: the functions that were asked for, and their texts. */
#ifndef RIFFLE_BACKENDS_EMIT_C_HELPER_H
#define RIFFLE_BACKENDS_EMIT_C_HELPER_H

#include "backends/emit/c/vectors.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/text.h"

typedef enum Family { FAMILY_X86, FAMILY_NEON, FAMILY_ANY } Family;

/* vectors_function says what first and count are. */
typedef struct Helper {
    HelperKind kind;
    int lanes, first, count;
    const char *name;
} Helper;

struct Vectors {
    const Target *target;
    Family family;
    Arena *arena;
    Helper *helpers;
    int count, capacity;
};

/* vector_lanes.c: "_mm256": of Intel's intrinsics on vectors of so many lanes. */
const char *intel_prefix(int lanes);

/* The bodies of loads and stores of some lanes, of sums and the like. */
void helper_write_lanes(const Vectors *vectors, const Helper *helper, Text *out);
/* The whole of a permutation. */
void helper_write_permute(const Helper *helper, Text *out);

#endif
