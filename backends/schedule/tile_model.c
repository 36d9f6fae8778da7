/* The time of tiles, in cycles, by a model of the ports of a processor.
 *
 * A tile does pixels x vectors multiply-adds per tap, loads one weight vector per vector
 * and broadcasts one float per pixel, or a vector of channels for as many taps. What takes longest
 * of multiply-add ports, load ports, issue width and the latency of the multiply-add chain is the
 * time of a tap. Part of the time that instructions take to issue is added: narrow processors hide
 * it less well, and on others a second thread of the core may take half of the issue slots. Where
 * the first-level cache does not keep a panel's weights, sums are stored and loaded between blocks
 * of input channels. */
#include "backends/schedule/tile_model.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"

static const double latency = 4; /* cycles of a multiply-add */

static const double cycles_per_tile = 12; /* addresses, loop, first loads */

static const double narrow_per_cycle = 2; /* multiply-adds of less than a full vector */

static double larger(double a, double b) {
    return a > b ? a : b;
}

int64_t weights_kept(const Target *target) {
    return target->l1_bytes * 5 / 8;
}

int tile_widths(const Target *target, int64_t channels, int *widths) {
    enum { WIDE = 16 };
    int count = vector_widths(target, channels, widths, MAX_TILE_VECTORS);
    if (target->lanes < WIDE && count > 0)
        widths[count - 1] = target->lanes;
    return count;
}

/* Blocks of input channels whose weights the first-level cache keeps. */
static int64_t weight_blocks(const Target *target, int64_t channels, int64_t taps) {
    int64_t bytes = channels * taps * (int64_t)sizeof(float);
    return (bytes - 1) / weights_kept(target) + 1;
}

static double tile_cycles(const Target *target, int64_t channels, int pixels, int64_t taps) {
    int widths[MAX_TILE_VECTORS];
    int vectors = tile_widths(target, channels, widths);
    int operations = target->fused_multiply_add ? 1 : 2;
    double values = target->lane_multiply_add ? (double)pixels / target->lanes : pixels;
    double arithmetic = 0, loads = values / target->loads_per_cycle;
    for (int i = 0; i < vectors; i++) {
        bool full = widths[i] == target->lanes;
        double rate =
            full || target->lanes <= 4 ? target->multiply_adds_per_cycle : narrow_per_cycle;
        arithmetic += pixels * operations / rate;
        loads += 1.0 / target->loads_per_cycle;
    }
    double instructions = pixels * vectors * operations + vectors + values + 2;
    double issue = instructions / target->instructions_per_cycle;
    double tap = larger(larger(arithmetic, loads), larger(issue, latency)) + issue / 8;
    double blocks = (double)weight_blocks(target, channels, taps);
    double stores = (double)pixels * vectors * (2 * blocks - 1);
    return tap * (double)taps + stores + cycles_per_tile * blocks;
}

static double panel_cycles(
    const Target *target, int64_t channels, int64_t pixels, int tile_pixels, int64_t taps) {
    int64_t whole = pixels / tile_pixels, rest = pixels % tile_pixels;
    double cycles = (double)whole * tile_cycles(target, channels, tile_pixels, taps);
    return rest > 0 ? cycles + tile_cycles(target, channels, (int)rest, taps) : cycles;
}

double tiles_cycles(
    const Target *target, int64_t outputs, int64_t pixels, int64_t taps, TileShape shape) {
    int64_t panel = (int64_t)shape.vectors * target->lanes;
    int64_t whole = outputs / panel, rest = outputs % panel;
    double cycles = (double)whole * panel_cycles(target, panel, pixels, shape.pixels, taps);
    return rest > 0 ? cycles + panel_cycles(target, rest, pixels, shape.pixels, taps) : cycles;
}

/* Accumulators, one weight per vector, one broadcast (or one vector of channels for each pixel);
 * without fused multiply-add a product besides. */
static int registers_needed(const Target *target, TileShape shape) {
    int values = target->lane_multiply_add ? shape.pixels : 1;
    int products = target->fused_multiply_add ? 0 : 1;
    int ahead = target->lane_multiply_add ? 1 : 0; /* LLVM loads a weight for the next channel */
    return shape.pixels * shape.vectors + shape.vectors + values + products + ahead;
}

/* Where lanes of few registers are taken, LLVM wants some of those for other things, too. */
static bool values_fit(const Target *target, int pixels) {
    enum { OTHERS = 6 };
    return target->lane_registers == 0 || pixels + OTHERS <= target->lane_registers;
}

bool tile_fits(const Target *target, TileShape shape) {
    return shape.pixels == 1 || (values_fit(target, shape.pixels) &&
                                    registers_needed(target, shape) <= target->registers);
}
