/* The shape of a convolution's tile: the one that takes the least time by a model of the GPU.
 *
 * A multiprocessor issues four instructions of 32 threads and takes 64 bytes from the second-level
 * cache a cycle; two blocks share it, and hide part of each other's waiting. */
#include "backends/gpu/convolution.h"
#include "backends/gpu/gpu.h"
#include "backends/schedule/shape.h"
#include "ir/graph.h"
#include <math.h>

static const double issued_a_cycle = 4, bytes_a_cycle = 64, blocks_at_once = 2;
/* Of a block: arguments, places, first loads, last stores; and of the second-level cache. */
static const double start_cycles = 800, load_cycles = 300;
/* Steps whose loads are under way together. */
static const double loads_ahead = 4;
/* A grid barrier, and what does not fill the GPU before and after it. */
static const double phase_cycles = 2500;

static bool pools_all(const GpuConvolution *conv) {
    return conv->next->op == OP_global_avg_pool;
}

static int64_t next_height(const GpuConvolution *conv) {
    return pools_all(conv) ? 1 : conv->window_op.height_out;
}

int64_t rows_needed(const GpuConvolution *conv, int64_t rows) {
    if (pools_all(conv))
        return conv->height;
    const Window *w = &conv->window_op.window;
    int64_t needed = (rows - 1) * w->stride[0] + (w->kernel[0] - 1) * w->dilation[0] + 1;
    return needed < conv->height ? needed : conv->height;
}

bool tile_is_aligned(const GpuConvolution *conv, int64_t rows) {
    int pixels = conv->shape.pixels;
    bool images = conv->images == 1 || conv->height * conv->width % pixels == 0;
    return images && (rows >= next_height(conv) || conv->width % pixels == 0);
}

int64_t quads_needed(const GpuConvolution *conv, int64_t rows) {
    int64_t pixels = conv->shape.pixels, count = rows_needed(conv, rows) * conv->width;
    if (conv->pointwise && !tile_is_aligned(conv, rows))
        count += pixels - 1;
    return (count + pixels - 1) / pixels;
}

static double window_cycles(const GpuConvolution *conv, int64_t outputs) {
    int64_t taps =
        pools_all(conv) ? 1 : conv->window_op.window.kernel[0] * conv->window_op.window.kernel[1];
    double warps = ceil((double)outputs / 32);
    return warps * (double)taps * 8 / issued_a_cycle;
}

/* Cycles of all blocks. */
static double shape_cycles(const GpuConvolution *conv, const GpuConvolutionShape *shape) {
    int64_t channels = (int64_t)shape->channels * shape->parts;
    int64_t pixels = (int64_t)shape->quads * shape->pixels;
    int64_t all = conv->images * conv->height * conv->width;
    int64_t pixel_tiles = (all + pixels - 1) / pixels;
    if (shape->rows > 0)
        pixel_tiles = conv->images * ((next_height(conv) + shape->rows - 1) / shape->rows);
    int64_t items = conv->groups * ((conv->group_outputs + channels - 1) / channels) * pixel_tiles;
    int64_t warps = ((int64_t)shape->quads * shape->parts * shape->slices + 31) / 32;
    int64_t steps = (conv->group_inputs + shape->slices - 1) / shape->slices * conv->taps;
    int64_t loads = (conv->pointwise ? 1 : shape->pixels * 4) +
                    (shape->channels % 4 == 0 ? shape->channels / 4 : shape->channels);
    double issue =
        (double)(warps * steps * (shape->channels * shape->pixels + loads + 2)) / issued_a_cycle;
    double strides = (double)(conv->window.stride[0] * conv->window.stride[1]);
    double bytes = (double)(conv->group_inputs * 4) *
                   ((double)pixels * strides + (double)(conv->taps * channels));
    double latency = start_cycles + ceil((double)steps / loads_ahead) * load_cycles;
    for (int slices = shape->slices; slices > 1; slices /= 2)
        latency += 80;
    if (shape->rows > 0)
        issue += window_cycles(conv,
            channels * shape->rows * (pools_all(conv) ? conv->width : conv->window_op.width_out));
    double each =
        ceil((double)items / conv->gpu->emission.compilation->target->gpu->multiprocessors);
    return fmax(each * issue, each * bytes / bytes_a_cycle) + ceil(each / blocks_at_once) * latency;
}

static bool fits(const GpuConvolution *conv, const GpuConvolutionShape *shape) {
    int64_t limit = conv->gpu->emission.compilation->target->gpu->tile_bytes;
    int64_t floats =
        shape->channels * channel_floats(shape) + (shape->rows > 0 ? BLOCK_THREADS : 0);
    bool shared = shape->rows > 0 || shape->slices > 1;
    return shape->quads * shape->parts * shape->slices <= BLOCK_THREADS &&
           (!shared || floats * (int64_t)sizeof(float) <= limit);
}

typedef struct ShapeSearch {
    const GpuConvolution *conv;
    GpuConvolutionShape best;
    double cycles; /* of the best; HUGE_VAL before there is one */
} ShapeSearch;

/* All shapes of so many threads along the pixels. */
static void search_threads(ShapeSearch *search, GpuConvolutionShape shape) {
    static const int channels[] = {1, 2, 4, 8}, parts[] = {1, 2, 4, 8, 16},
                     slices[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 19, 24, 32, 64, 128, 256};
    const GpuConvolution *conv = search->conv;
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
            for (size_t s = 0; s < sizeof slices / sizeof *slices; s++) {
                shape.channels = channels[c];
                shape.parts = parts[p];
                shape.slices = slices[s];
                bool wasteful = shape.slices > conv->group_inputs ||
                                (shape.channels * shape.parts > 1 &&
                                    shape.channels * shape.parts >= 2 * conv->group_outputs);
                if (wasteful || !fits(conv, &shape))
                    continue;
                double cycles = shape_cycles(conv, &shape);
                if (cycles >= search->cycles)
                    continue;
                search->cycles = cycles;
                search->best = shape;
            }
}

static ShapeSearch search_alone(const GpuConvolution *conv, int pixels) {
    static const int quads[] = {1, 2, 4, 8, 13, 16, 25, 32, 49, 64, 98, 128, 196, 256};
    ShapeSearch search = {.conv = conv, .cycles = HUGE_VAL};
    int64_t all = conv->images * conv->height * conv->width, most = (all + pixels - 1) / pixels;
    for (size_t i = 0; i < sizeof quads / sizeof *quads; i++)
        if (quads[i] < 2 * most)
            search_threads(&search, (GpuConvolutionShape){.quads = quads[i], .pixels = pixels});
    return search;
}

static ShapeSearch search_joined(const GpuConvolution *conv, int pixels) {
    ShapeSearch search = {.conv = conv, .cycles = HUGE_VAL};
    for (int64_t rows = 1; rows <= next_height(conv); rows++) {
        int64_t quads = quads_needed(conv, rows);
        if (quads > BLOCK_THREADS)
            break;
        search_threads(
            &search, (GpuConvolutionShape){.quads = (int)quads, .pixels = pixels, .rows = rows});
    }
    return search;
}

bool choose_convolution_shape(const GpuConvolution *conv, GpuConvolutionShape *shape) {
    GpuConvolution copy = *conv;
    copy.shape.pixels = conv->images * conv->height * conv->width < 4 ? 1 : 4;
    ShapeSearch alone = search_alone(&copy, copy.shape.pixels);
    if (!conv->next) {
        *shape = alone.best;
        return alone.cycles < HUGE_VAL;
    }
    ShapeSearch joined = search_joined(&copy, copy.shape.pixels);
    const int64_t *out = conv->next->results[0]->type.dims;
    double each = (double)(conv->groups * conv->group_outputs * out[0] * out[2] * out[3]) /
                  conv->gpu->emission.compilation->target->gpu->multiprocessors;
    *shape = joined.best;
    return joined.cycles <
           alone.cycles + window_cycles(conv, (int64_t)each) + start_cycles + phase_cycles;
}
