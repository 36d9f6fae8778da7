/* The tile of a convolution: how many pixels and vectors of output channels it holds in registers.
 */
#ifndef RIFFLE_BACKENDS_SCHEDULE_TILE_H
#define RIFFLE_BACKENDS_SCHEDULE_TILE_H

#include "backends/program/compilation.h"
#include "backends/schedule/tile_model.h"
#include <stdint.h>

/* The shape that computes `outputs` channels of `pixels` pixels with `taps` multiply-adds each in
 * the fewest cycles, as measured (tuning.h) or by a model of the target's ports. */
TileShape choose_tile(
    const Compilation *compilation, int64_t outputs, int64_t pixels, int64_t taps);

#endif
