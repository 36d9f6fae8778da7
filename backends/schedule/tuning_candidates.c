/* Tiles that are worth measuring. */
#include "backends/schedule/tuning_candidates.h"
#include "backends/program/compilation.h"
#include "backends/schedule/tile.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"

/* The cheapest by the model with so many vectors. */
static bool best_with(const Target *target, int64_t outputs, int64_t pixels, int64_t taps,
    int vectors, TileShape *best) {
    double least = 0;
    for (int p = 1; p <= MAX_TILE_PIXELS && p <= pixels; p++) {
        TileShape shape = {p, vectors};
        double cycles = tiles_cycles(target, outputs, pixels, taps, shape);
        if (!tile_fits(target, shape) || (least > 0 && cycles >= least))
            continue;
        least = cycles;
        *best = shape;
    }
    return least > 0;
}

int tile_candidates(const Compilation *compilation, int64_t outputs, int64_t pixels, int64_t taps,
    TileShape *shapes, int most) {
    static const double worth_trying = 1.5; /* times the cycles of the model's choice */
    int count = 0;
    shapes[count++] = choose_tile(compilation, outputs, pixels, taps);
    double least = tiles_cycles(compilation->target, outputs, pixels, taps, shapes[0]);
    for (int v = 1;
        v <= MAX_TILE_VECTORS && (int64_t)(v - 1) * compilation->target->lanes < outputs; v++) {
        TileShape shape;
        if (count == most || v == shapes[0].vectors ||
            !best_with(compilation->target, outputs, pixels, taps, v, &shape) ||
            tiles_cycles(compilation->target, outputs, pixels, taps, shape) > worth_trying * least)
            continue;
        shapes[count++] = shape;
    }
    for (int p = shapes[0].pixels + 1; count < most && p <= MAX_TILE_PIXELS && p <= pixels; p++) {
        TileShape shape = {p, shapes[0].vectors};
        if (tile_fits(compilation->target, shape) &&
            tiles_cycles(compilation->target, outputs, pixels, taps, shape) <= worth_trying * least)
            shapes[count++] = shape;
    }
    return count;
}
