/* Chooses the register tile of a convolution: counts the cycles of every shape that fits the
 * registers and takes the cheapest, partial tiles and partial vectors included. */
#include "backends/schedule/tile.h"
#include "backends/program/compilation.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/tuning.h"
#include "backends/target/target.h"

enum { MOST_MIXED_PIXELS = 8 };

/* Where one panel is all, of full vectors and a narrower one, the broadcast of a pixel is an
 * operand of both. With more pixels LLVM makes it one register for both, and then spills
 * accumulators. */
static bool is_mixed(const Target *target, int64_t outputs, TileShape shape) {
    int widths[MAX_TILE_VECTORS];
    if (!target->memory_broadcast || outputs > (int64_t)shape.vectors * target->lanes)
        return false;
    int count = tile_widths(target, outputs, widths);
    return widths[count - 1] < widths[0];
}

TileShape choose_tile(
    const Compilation *compilation, int64_t outputs, int64_t pixels, int64_t taps) {
    /* A tile takes whole blocks of weights. */
    int step = compilation->weight_block > compilation->target->lanes
                   ? compilation->weight_block / compilation->target->lanes
                   : 1;
    TileShape best = {1, step}, shape, tuned;
    if (tuning_tile(compilation, outputs, pixels, taps, &tuned) && tuned.vectors % step == 0)
        return tuned;
    double least = tiles_cycles(compilation->target, outputs, pixels, taps, best);
    for (shape.vectors = step; shape.vectors <= MAX_TILE_VECTORS; shape.vectors += step) {
        if ((int64_t)(shape.vectors - step) * compilation->target->lanes >= outputs)
            break;
        for (shape.pixels = 1; shape.pixels <= MAX_TILE_PIXELS && shape.pixels <= pixels;
            shape.pixels++) {
            if (!tile_fits(compilation->target, shape))
                break;
            double cycles = tiles_cycles(compilation->target, outputs, pixels, taps, shape);
            if (cycles < least) {
                least = cycles;
                best = shape;
            }
        }
    }
    if (best.pixels > MOST_MIXED_PIXELS && is_mixed(compilation->target, outputs, best))
        best.pixels = MOST_MIXED_PIXELS;
    return best;
}
