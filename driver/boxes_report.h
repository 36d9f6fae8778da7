/* Boxes for people, and as JSON. */
#ifndef RIFFLE_DRIVER_BOXES_REPORT_H
#define RIFFLE_DRIVER_BOXES_REPORT_H

#include "backends/output/json_writer.h"
#include "driver/answer.h"
#include "driver/boxes.h"
#include "driver/image.h"

/* Those of each item of the batch (boxes_find), in pixels of the pictures that its input was made
 * of, or where there are none, in the input's. */
const Boxes *boxes_of_batch(const Graph *graph, float *const *outputs, const Image *pictures,
    BoxWishes wishes, Arena *arena);

/* One line for each: class, its name where there are labels, score, left, top, right, bottom, and x
 * and y of each landmark. `labels` may be NULL. */
void boxes_print(const Boxes *boxes, const Labels *labels, Arena *arena);
void boxes_write_json(const Boxes *boxes, const Labels *labels, JsonWriter *json);

#endif
