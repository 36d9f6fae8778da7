/* How NAME_run_parallel shares a run out.
 *
 * One parallel_for does the whole run, if all goes well; each of its items is a stint of one
 * thread, which joins the crew and works from step to step. A step's items are cut into slices, and
 * a word with a bit for each says which are taken. A thread begins with a part of its own, the same
 * of each step, so that it reads what it wrote in the step before; then it helps the others. A
 * thread takes slices of a step only when all of the step before are done: nothing else is waited
 * for.
 *
 * No order of the items, and no number of threads, makes it wait for ever. Who waits for a step has
 * found all slices of the step before taken, and who has taken some computes and does not wait; so
 * the last slice gets done. And who waits looks a certain number of times only, about what a thread
 * looks for work before it sleeps: somebody may need his processor to finish. Then he stops the
 * loop: all return at the next step, parallel_for ends, and is called again for the steps that are
 * left. So threads that the system keeps from working cost a join, as they would in a loop for each
 * step. A loop gets at least the first step done that it finds undone: nobody waits for that. When
 * as many loops as there are steps leave one undone, parallel_for does not do what it should, and
 * the run ends with a status.
 *
 * A step that has scratch (scratch.h) is done by as many threads as there are slots of it. Each
 * takes a slot before it looks for slices and gives it back when all are taken; so who finds no
 * slot that is free may wait like somebody who has found all slices taken.
 *
 * Counters are on the caller's stack. What a step wrote is released with the count of slices that
 * are not done, and acquired by who sees it at zero; that orders all steps before it, too. */
#ifndef RIFFLE_BACKENDS_PROGRAM_PARALLEL_H
#define RIFFLE_BACKENDS_PROGRAM_PARALLEL_H

#include "backends/program/summary.h"
#include "backends/target/target.h"
#include <stdint.h>

enum {
    /* Divides evenly between 2, 3, 4, 6, 8 and 12. With the slots of scratch, the bits of a word.
     */
    MOST_SLICES = 24,
    /* Parts are taken in up to so many pieces, to even out threads of different speed; but a piece
     * of a loop over rows may have to compute the rows above its first one again. */
    PIECES_OF_PART = 4,
    LEAST_PIECE_ITEMS = 16,
    /* Items of the loop. More threads may share a run than there are slices, but hardly gain. */
    STINTS = 64,
    MOST_CREW = 32 /* bits of the word that says who is there */
};

/* What the code of a step is told. */
typedef struct StepShares {
    int slices;
    int least_piece; /* slices */
} StepShares;

StepShares step_shares(const Program *program, int step);
/* Looks of who waits before he stops the loop: 50 to 100 microseconds. */
int parallel_looks(const Target *target);
/* Loops of a run, if each does all its items: one for each step, but at least one. */
int parallel_most_loops(const Program *program);
/* Of the counters, in bytes. */
int64_t parallel_stack_bytes(const Program *program);

#endif
