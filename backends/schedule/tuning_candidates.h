/* Tiles that are worth measuring. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_TUNING_CANDIDATES_H
#define RIFFLE_BACKENDS_SCHEDULE_TUNING_CANDIDATES_H

#include "backends/program/compilation.h"
#include "backends/schedule/tile_model.h"
#include <stdint.h>

/* At most `most` shapes that are worth trying, the model's choice first. */
int tile_candidates(const Compilation *compilation, int64_t outputs, int64_t pixels, int64_t taps,
    TileShape *shapes, int most);

#endif
