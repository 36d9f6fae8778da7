/* Boxes by the code that libraries have (runtime/support). */
#include "driver/boxes.h"

#include "backends/backends.h"
#include "runtime/support/boxes.h"

/* The outputs of one picture of the batch. */
static const float **outputs_of(
    const Graph *graph, float *const *outputs, int64_t item, Arena *arena) {
    const float **own = ARENA_ARRAY(arena, const float *, graph->output_count);
    int64_t batch = graph->inputs[0].value->type.dims[0];
    for (int i = 0; i < graph->output_count; i++)
        own[i] = outputs[i] + item * (tensor_elements(&graph->outputs[i].value->type) / batch);
    return own;
}

static Box box_of(const struct riffle_support_box *found, int landmarks, Arena *arena) {
    const float *points = (const float *)(found + 1);
    Box box = {.class_index = found->class_index,
        .score = (double)found->score,
        .corners = {{(double)found->left, (double)found->top},
            {(double)found->right, (double)found->bottom}},
        .landmarks = ARENA_ARRAY(arena, Point, landmarks + 1),
        .landmark_count = landmarks};
    for (int i = 0; i < landmarks; i++)
        box.landmarks[i] = (Point){(double)points[2 * i], (double)points[2 * i + 1]};
    return box;
}

Boxes boxes_find(const Graph *graph, float *const *outputs, int64_t item,
    const struct riffle_mapping *mapping, BoxWishes wishes, Arena *arena) {
    SupportConstants constants = support_answer_constants(graph, arena);
    int landmarks = support_answer_landmarks(graph);
    size_t bytes = sizeof(struct riffle_support_box) + (size_t)landmarks * 2 * sizeof(float);
    unsigned char *found = arena_allocate_array(arena, MOST_BOXES, bytes);
    void *scratch = arena_allocate(
        arena, riffle_support_boxes_scratch_bytes(constants.numbers, constants.values));
    int count = riffle_support_boxes(outputs_of(graph, outputs, item, arena), mapping,
        (float)wishes.threshold, (float)wishes.overlap, wishes.across_classes, found, MOST_BOXES,
        scratch, constants.numbers, constants.values);
    Boxes boxes = {.items = ARENA_ARRAY(arena, Box, MOST_BOXES)};
    for (; boxes.count < count; boxes.count++) {
        const void *at = found + (size_t)boxes.count * bytes;
        boxes.items[boxes.count] = box_of(at, landmarks, arena);
    }
    return boxes;
}
