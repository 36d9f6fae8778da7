#include "backends/schedule/step_schedule.h"
#include "backends/program/program.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/window_blocking.h"
#include "backends/schedule/winograd.h"
#include "ir/arena.h"
#include "ir/graph.h"

StepSchedule *step_schedule(Step *step, Arena *arena) {
    if (!step->schedule)
        step->schedule = ARENA_NEW(arena, StepSchedule);
    return step->schedule;
}

static LayerSchedule *add_layer(Step *step, Arena *arena, const Node *node) {
    StepSchedule *schedule = step_schedule(step, arena);
    LayerSchedule *layer = ARENA_NEW(arena, LayerSchedule);
    layer->node = node;
    *(schedule->last ? &schedule->last->next : &schedule->first) = layer;
    schedule->last = layer;
    return layer;
}

void note_convolution(Step *step, Arena *arena, const Node *node, const ConvolutionSizes *sizes,
    const Blocking *blocking) {
    LayerSchedule *layer = add_layer(step, arena, node);
    layer->sizes = sizes;
    layer->blocking = blocking;
}

void note_winograd(Step *step, Arena *arena, const Node *node, const WinogradBlock *block) {
    WinogradBlock *copy = ARENA_NEW(arena, WinogradBlock);
    *copy = *block;
    add_layer(step, arena, node)->winograd = copy;
}

void note_window(Step *step, Arena *arena, const Node *node, const WindowBlocking *blocking) {
    add_layer(step, arena, node)->window = blocking;
}

void note_pixels(Step *step, Arena *arena, const Node *node) {
    (void)add_layer(step, arena, node);
}

void note_ring(Step *step, int64_t rows, int64_t columns) {
    step->schedule->last->ring_rows = rows;
    step->schedule->last->ring_columns = columns;
}
