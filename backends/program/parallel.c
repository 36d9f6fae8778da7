/* See parallel.h. */
#include "backends/program/parallel.h"
#include "backends/program/levels.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include <assert.h>

static_assert(MOST_SLICES + MOST_SCRATCH_SLOTS <= 32, "they share a word");

enum { COUNTER_BYTES = 8, CREW_BYTES = 256 };

void program_set_loops(Program *program, ParallelLoops loops) {
    program->loops = loops;
    for (int i = 0; program->levels && i < program->levels->count; i++)
        program->levels->programs[i]->loops = loops;
}

/* The pause of an x86 takes up to 140 cycles, the others' hardly any. */
int parallel_looks(const Target *target) {
    return target->architecture == ARCHITECTURE_X86_64 ? 2000 : 20000;
}

StepShares step_shares(const Program *program, int step) {
    int64_t items = program->kernels[program->steps[step].kernel]->extent;
    StepShares shares;
    shares.slices = items < MOST_SLICES ? (int)(items > 1 ? items : 1) : MOST_SLICES;
    int64_t least =
        items > 0 ? (LEAST_PIECE_ITEMS * (int64_t)shares.slices + items - 1) / items : 1;
    shares.least_piece = least > 1 ? (int)least : 1;
    return shares;
}

int parallel_most_loops(const Program *program) {
    return program->step_count > 0 ? program->step_count : 1;
}

int64_t parallel_stack_bytes(const Program *program) {
    return CREW_BYTES + (program->step_count + 1) * (int64_t)COUNTER_BYTES;
}
