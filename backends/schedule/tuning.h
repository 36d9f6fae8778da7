/* Choices that were found by measuring, in place of the model's (tile.c, chain_cost.c): `riffle
 * tune` writes them as a text, `--tuning FILE` reads it. docs/tune.md describes the text.
 *
 * A choice is looked up by what the layer is, not by its name, so a tuning serves all networks with
 * layers of these shapes. What is not in it is left to the model. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_TUNING_H
#define RIFFLE_BACKENDS_SCHEDULE_TUNING_H

#include "backends/program/compilation.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

typedef enum TuningKind {
    TUNING_TILE, /* of a convolution or fully connected layer: pixels, vectors */
    TUNING_LINK, /* of two neighbours: 1 when they share a kernel, 0 when not */
    TUNING_KINDS
} TuningKind;

typedef struct TuningEntry {
    TuningKind kind;
    const char *key;
    int values[2];
    SourceRange where; /* in the file; file NULL for one that was measured */
    bool used;         /* a layer has asked for it */
} TuningEntry;

struct Tuning {
    Arena *arena;
    const char *target; /* name */
    TuningEntry *entries;
    int count, capacity;
};

Tuning *tuning_create(const char *target, Arena *arena);
/* Adds the entry, or gives the one with this key other values. The key is copied. */
TuningEntry *tuning_set(Tuning *tuning, TuningKind kind, const char *key, int first, int second);
/* The entry, which is marked as used; NULL when there is none, or no tuning. */
const TuningEntry *tuning_find(Tuning *tuning, TuningKind kind, const char *key);

bool tuning_has(const Tuning *tuning, TuningKind kind, const char *key); /* does not mark it */

/* ---- keys ---- */

enum { LONGEST_TUNING_KEY = 256 };

/* "116 outputs, 196 pixels, 116 taps": of tiles; a row's pixels where they go row by row. */
void tuning_tile_key(char key[LONGEST_TUNING_KEY], int64_t outputs, int64_t pixels, int64_t taps);
/* "conv 1x1 58 -> 58 at 28x28, conv 3x3 58 -> 58 groups 58 at 28x28". */
void tuning_link_key(char key[LONGEST_TUNING_KEY], const Node *node, const Node *next);

/* ---- choices ---- */

/* The tile that was measured to be best; false when there is none that fits the target. */
bool tuning_tile(const Compilation *compilation, int64_t outputs, int64_t pixels, int64_t taps,
    TileShape *shape);
/* Sets *joined, and returns true, when it was measured. */
bool tuning_link(const Compilation *compilation, const Node *node, const Node *next, bool *joined);

#endif
