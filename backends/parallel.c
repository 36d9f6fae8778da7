/* See parallel.h. */
#include "backends/parallel.h"
#include "backends/levels.h"
#include <limits.h>

enum { LEAST_LOOKS = 2000, COUNTER_BYTES = 8, CREW_BYTES = 256 };

void program_set_loops(Program *program, ParallelLoops loops) {
    program->loops = loops;
    for (int i = 0; program->levels && i < program->levels->count; i++)
        program->levels->programs[i]->loops = loops;
}

/* Multiply-adds of a slow processor of that kind in the time of one look: the pause of an x86 takes
 * up to 140 cycles, the others' hardly any. */
static int64_t work_per_look(const Target *target) {
    return target->architecture == ARCHITECTURE_X86_64 ? 1000 : 50;
}

/* About what the step would take one thread, in multiply-adds. */
static int64_t step_work(const Step *step) {
    return step->macs + step->count.bytes_read + step->count.bytes_written;
}

static int looks_for(const Program *program, int step) {
    if (step == 0)
        return LEAST_LOOKS;
    int64_t looks = step_work(&program->steps[step - 1]) / work_per_look(program->target);
    return (int)(looks < INT_MAX / 2 ? looks : INT_MAX / 2) + LEAST_LOOKS;
}

StepShares step_shares(const Program *program, int step) {
    int64_t items = program->kernels[program->steps[step].kernel]->extent;
    StepShares shares = {.looks = looks_for(program, step)};
    shares.slices = items < MOST_SLICES ? (int)(items > 1 ? items : 1) : MOST_SLICES;
    int64_t least =
        items > 0 ? (LEAST_PIECE_ITEMS * (int64_t)shares.slices + items - 1) / items : 1;
    shares.least_piece = least > 1 ? (int)least : 1;
    return shares;
}

int64_t parallel_stack_bytes(const Program *program) {
    return CREW_BYTES + (program->step_count + 1) * (int64_t)COUNTER_BYTES;
}
