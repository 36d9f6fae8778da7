/* What was chosen for a step, as data: who makes its kernel follows these choices and notes them,
 * `--emit schedule` prints them (schedule_text.h). */
#ifndef RIFFLE_BACKENDS_SCHEDULE_STEP_SCHEDULE_H
#define RIFFLE_BACKENDS_SCHEDULE_STEP_SCHEDULE_H

#include "backends/program/program.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/form.h"
#include "backends/schedule/window_blocking.h"
#include "backends/schedule/winograd.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <stdbool.h>
#include <stdint.h>

/* One layer of a step. */
typedef struct LayerSchedule LayerSchedule;
struct LayerSchedule {
    const Node *node;
    const ConvolutionSizes *sizes; /* of a convolution by tiles, with its blocking; else NULL */
    const Blocking *blocking;
    const WinogradBlock *winograd;   /* by Winograd's algorithm; else NULL */
    const WindowBlocking *window;    /* of a window over each channel alone; else NULL */
    int64_t ring_rows, ring_columns; /* of its result, for the next layer; 0: it is stored */
    LayerSchedule *next;
};

struct StepSchedule {
    Form form;
    int64_t strips; /* of the columns of a chain; 0: it is none */
    LayerSchedule *first, *last;
};

/* What is noted for the step, whose form lower/ sets. */
StepSchedule *step_schedule(Step *step, Arena *arena);

/* Each adds a layer. What is given must live as long as the program, but for the block, which is
 * copied. */
void note_convolution(Step *step, Arena *arena, const Node *node, const ConvolutionSizes *sizes,
    const Blocking *blocking);
void note_winograd(Step *step, Arena *arena, const Node *node, const WinogradBlock *block);
void note_window(Step *step, Arena *arena, const Node *node, const WindowBlocking *blocking);
void note_pixels(Step *step, Arena *arena, const Node *node);

/* Of the layer that was added last. */
void note_ring(Step *step, int64_t rows, int64_t columns);

#endif
