/* The vector types of a C source and the small functions on them: all that depends on the
 * processor. Kernels are written with these functions, "f32x8_add(v1, v2)", and look alike for all
 * targets. Only functions that were asked for are written. */
#ifndef RIFFLE_BACKENDS_EMIT_C_VECTORS_H
#define RIFFLE_BACKENDS_EMIT_C_VECTORS_H

#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/text.h"

typedef enum HelperKind {
#define HELPER(kind, ...) HELPER_##kind,
#include "backends/emit/c/vectors.def"
    HELPER_LOAD_LANES,      /* of `first` to `first + count - 1`; the others are zero */
    HELPER_LOAD_BYTE_LANES, /* the same of bytes */
    HELPER_STORE_LANES,
    HELPER_SUM,     /* of all lanes, as a float */
    HELPER_LARGEST, /* lane */
    HELPER_PERMUTE, /* of two vectors of `count` lanes */
    HELPER_LANE,    /* one lane of two vectors, as a float */
    HELPER_COUNT
} HelperKind;

typedef struct Vectors Vectors;

/* For code of the target. */
Vectors *vectors_create(const Target *target, Arena *arena);

/* "f32x8"; "float" for one lane. */
const char *vectors_type(Vectors *vectors, int lanes);
/* The name of a function on vectors of so many lanes, which will be written. `first` and `count`
 * are of the kinds that say so, else 0. */
const char *vectors_function(Vectors *vectors, HelperKind kind, int lanes, int first, int count);

/* The types and the functions that were asked for. */
void vectors_write(const Vectors *vectors, Text *out);

/* What they include. */
void vectors_write_includes(const Target *target, Text *out);
/* What stands behind all includes and at the end of a source, so that the C compiler needs no flag
 * for the target. */
void vectors_begin_target(const Target *target, Text *out);
void vectors_end_target(const Target *target, Text *out);

#endif
