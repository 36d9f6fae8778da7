/* Inner loops of multiply-adds whose instructions were put in order for a core that takes them in
 * that order (schedule/loop_schedule.c): what the printer of machine code writes down as it stands.
 * One round of the schedule does the work of one round of the loop; the loads that the first
 * multiply-adds of a round wait for stand in the round before, and before the first round.
 *
 * Registers are numbered by kind: sums, other vectors, pointers, integers, from 0 each. */
#ifndef RIFFLE_BACKENDS_PROGRAM_LOOP_SCHEDULE_H
#define RIFFLE_BACKENDS_PROGRAM_LOOP_SCHEDULE_H

#include "ir/kernel.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum LoopActionKind {
    ACTION_MULTIPLY_ADD, /* sum += vector * lane `lane` of value */
    ACTION_LOAD,         /* vector = 16 bytes at pointer + bytes */
    ACTION_LOAD_LOW,     /* vector = 8 bytes there, and zeros behind */
    ACTION_LOAD_HIGH,    /* integer = 8 bytes there, */
    ACTION_INSERT_HIGH,  /* and these become the upper half of vector */
    ACTION_PREFETCH,     /* what is at pointer + bytes will be read */
    ACTION_COUNT,        /* one round less is left; is it the last? */
    ACTION_NEXT,         /* integer = pointer + bytes */
    ACTION_CHOOSE,       /* pointer = integer, unless it is the last round */
    ACTION_REPEAT,       /* unless it was the last round */
    ACTION_KINDS
} LoopActionKind;

typedef struct LoopAction {
    LoopActionKind kind;
    int cycle; /* of the round in which it should begin; negative before the first */
    int sum, vector, value, lane, integer, pointer;
    int64_t bytes;
} LoopAction;

/* An address: of the offset in a buffer in the first round, and so much more in each. */
typedef struct LoopPointer {
    int parameter;
    const Expression
        *offset;       /* in elements, with a variable of the loop that has its first value */
    int64_t bytes;     /* beyond that */
    int64_t increment; /* in bytes */
} LoopPointer;

typedef struct LoopSchedule LoopSchedule;
struct LoopSchedule {
    const Statement *loop;
    const int *sums; /* registers of the kernel */
    int sum_count, vector_count, integer_count;
    int first_value; /* of the vectors: from there on lanes are taken of them */
    LaneType type;
    const LoopPointer *pointers;
    int pointer_count;
    const LoopAction *before, *round;
    int before_count, round_count;
    int cycles, multiply_adds; /* of a round */
    LoopSchedule *next;        /* of another loop of the program */
};

/* The one of the loop; NULL: there is none. */
const LoopSchedule *loop_schedule_find(const LoopSchedule *first, const Statement *loop);

#endif
