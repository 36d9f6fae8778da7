/* Parts of a kernel whose code is alike but for places: loops, so that it is there once. */
#ifndef RIFFLE_BACKENDS_KERNELS_REPEAT_H
#define RIFFLE_BACKENDS_KERNELS_REPEAT_H

#include "ir/kernel.h"
#include <stdint.h>

enum { MOST_PLACES = 4 };

/* One such part. */
typedef struct RepeatPart {
    int kind; /* parts of one kind are alike */
    int64_t places[MOST_PLACES];
} RepeatPart;

/* counts[0] times counts[1] parts: with each turn of the outer and of the inner loop every place
 * goes on by a step of its own. */
typedef struct Repeat {
    int count; /* of the parts */
    int counts[2];
    int64_t steps[2][MOST_PLACES];
} Repeat;

/* As many of the parts as are such loops, from the first on. */
Repeat find_repeat(const RepeatPart *parts, int count);

/* Opens the loops; sets how far on from those of the first part the places are. */
void open_repeat(KernelBuilder *builder, const char *name, const Repeat *repeat,
    const Expression *places[MOST_PLACES]);
void close_repeat(KernelBuilder *builder);

#endif
