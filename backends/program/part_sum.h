/* The code of sums in parts, for kernels of all ops; schedule/sum_parts.h says how long parts are.
 */
#ifndef RIFFLE_BACKENDS_PROGRAM_PART_SUM_H
#define RIFFLE_BACKENDS_PROGRAM_PART_SUM_H

#include "ir/kernel.h"

/* A loop over begin, begin + step, ... that adds a term each time to part_sum. Where a part is not
 * 0 terms, that begins with 0 in each part and is then added to the sum; else it is the sum. */
typedef struct PartLoop {
    const Expression *index;
    int64_t part;
    int sum, part_sum; /* registers */
} PartLoop;

PartLoop open_part_loop(KernelBuilder *builder, const char *name, const Expression *begin,
    const Expression *end, int64_t step, int64_t part, int sum);
void close_part_loop(KernelBuilder *builder, const PartLoop *loop);

/* A sum whose terms are emitted one after the other, without a loop: `size` of them go to a sum of
 * their own, which is then added to the total; where size is 0, each goes to the total. */
typedef struct PartSum {
    int total, part; /* registers */
    int64_t size, pending;
} PartSum;

PartSum begin_part_sum(KernelBuilder *builder, int total, int lanes, int64_t size);

/* The register that the next term is to be added to. */
int next_in_part_sum(KernelBuilder *builder, PartSum *sum);
void end_part_sum(KernelBuilder *builder, PartSum *sum);

/* Opens the loop over a part of a range that goes on to `end`; NULL: the part is whole. */
const Expression *open_part(KernelBuilder *builder, const char *name, const Expression *begin,
    int64_t size, const Expression *end, int64_t step);

#endif
