/* Inside of what finds origins: a program's packed numbers one after the other, and programs with
 * other weights. */
#ifndef RIFFLE_BACKENDS_RUN_ORIGINS_FINDER_H
#define RIFFLE_BACKENDS_RUN_ORIGINS_FINDER_H

#include "backends/run/origins.h"

/* Numbers are told apart by their digits, from 1 on, which the shortest type (bf16) has exactly. */
enum { DIGIT_BASE = 256 };

typedef struct OriginsFinder {
    const Graph *graph;
    const Program *program, *zero; /* the second with weights that are all 0 */
    const LowerAgain *again;
    const WeightNumbers *numbers;
    PackedOrigins *origins;
    LaneType *types;                      /* by block of packed weights; LANE_TYPE_COUNT: a table */
    bool *has_sums;                       /* by block */
    int64_t *first_sums;                  /* by block with sums: in what follows */
    int32_t (*coefficients)[ORIGIN_TAPS]; /* by cell of such blocks */
    Arena *arena, *scratch;
    Diagnostics *diagnostics;
} OriginsFinder;

/* ---- origins_walk.c ---- */

/* The numbers that there are, one after the other. */
typedef struct CellWalk {
    const OriginsFinder *finder;
    int block;
    int64_t cell, byte;
    LaneType type;
} CellWalk;

/* Finds the types of all blocks. */
void find_block_types(OriginsFinder *finder);
CellWalk walk_begin(const OriginsFinder *finder);
/* To the first number, or the next one; false behind the last. Tables are passed over. */
bool next_number(CellWalk *walk, bool first);
/* The number of that type at a byte of the packed weights. */
double read_packed_number(const Program *program, LaneType type, int64_t byte);
/* Reports that the number is not as it must be. Always false. */
bool origins_fail(const OriginsFinder *finder, const CellWalk *walk, const char *what);

/* ---- origins_probe.c ---- */

typedef enum ProbeKind {
    PROBE_ZERO,
    PROBE_NUMBER, /* a digit of each number's index */
    PROBE_TAP,    /* 1 at one of nine places, else 0 */
    PROBE_GROUP   /* a digit of the index of each nine */
} ProbeKind;

typedef struct Probe {
    ProbeKind kind;
    int index; /* of the digit or the place */
} Probe;

/* A program and what it was lowered from. */
typedef struct Probed {
    Program *program; /* NULL after reporting */
    Arena *arena;
} Probed;

/* Lowers the graph with these weights. Free it in any case. */
Probed lower_probe(const OriginsFinder *finder, Probe probe);
void probed_free(Probed *probed);
bool is_probe_digit(double value);
/* How many digits all indices up to there have, and what one stands for. */
int count_digits(int64_t count);
int64_t digit_weight(int index);

/* ---- origins_sums.c ---- */

/* Finds the coefficients of all numbers in blocks with sums. False after reporting. */
bool note_sums(OriginsFinder *finder);

#endif
