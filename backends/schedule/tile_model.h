/* The time of a convolution's tiles by a model of the target's ports. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_TILE_MODEL_H
#define RIFFLE_BACKENDS_SCHEDULE_TILE_MODEL_H

#include "backends/target/target.h"
#include <stdbool.h>
#include <stdint.h>

enum { MAX_TILE_PIXELS = 28, MAX_TILE_VECTORS = 8 };

/* Accumulators of a convolution that are held in registers: so many pixels times so many vectors of
 * output channels. */
typedef struct TileShape {
    int pixels, vectors;
} TileShape;

/* Writes the lanes of the vectors of a tile that cover so many channels; returns their number. A
 * narrower last one pays with vectors of 16 lanes alone, which some processors take in two halves;
 * else it costs a broadcast of its own. */
int tile_widths(const Target *target, int64_t channels, int *widths);

/* Bytes of the weights of a panel that the first-level cache keeps from one tile to the next,
 * beside what else passes through it. */
int64_t weights_kept(const Target *target);

/* Whether its accumulators, weights and values fit the target's registers. */
bool tile_fits(const Target *target, TileShape shape);

/* The cycles by that model. */
double tiles_cycles(
    const Target *target, int64_t outputs, int64_t pixels, int64_t taps, TileShape shape);

#endif
