/* Inside schedule/: the instructions of one round of an inner loop in so many cycles. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LOOP_PLACE_H
#define RIFFLE_BACKENDS_SCHEDULE_LOOP_PLACE_H

#include "backends/program/loop_schedule.h"
#include "backends/schedule/inner_products.h"
#include "backends/target/core.h"
#include "ir/arena.h"
#include <stdbool.h>
#include <stdint.h>

enum { MOST_LOOP_POINTERS = 6 };

/* A vector that is loaded: when, in cycles of the round that needs it. */
typedef struct Loading {
    int vector, pointer;
    int64_t bytes;             /* from the pointer */
    int free;                  /* when the register is no longer read */
    int first_low, first_high; /* use of the halves */
    int last_use;
    int low; /* when it is loaded */
} Loading;

/* An integer register is in use, in these cycles and those between. */
typedef struct IntegerUse {
    int integer, first, last;
} IntegerUse;

/* What is known, and what was placed so far. */
typedef struct Placer {
    const InnerProducts *products;
    const Core *core;
    bool halves;
    int cycles;       /* of a round */
    int *issued;      /* by cycle: instructions, */
    int *loads;       /* and of them loads */
    int *begin;       /* by multiply-add: its cycle */
    Loading *loading; /* by load */
    LoopPointer *pointers;
    int first_access[MOST_LOOP_POINTERS], last_access[MOST_LOOP_POINTERS];
    int pointer_count, ring, vector_count, integer_count;
    LoopAction *actions;
    int action_count;
    IntegerUse *uses;
    int use_count;
} Placer;

/* Which vectors share registers; false: there are not enough. Sets `ring` and `vector_count`. */
bool loop_choose_ring(Placer *placer);

/* Places all; false where they do not fit. Arrays are zeros, and large enough. */
bool loop_place(Placer *placer, Arena *scratch);

/* The cycle of the round that begins with 0 in which that is. */
int loop_cycle(const Placer *placer, int cycle);

#endif
