/* Boxes from the outputs of a network, as its spec says with an answer. */
#ifndef RIFFLE_DRIVER_BOXES_H
#define RIFFLE_DRIVER_BOXES_H

#include "driver/driver.h"
#include "ir/answer.h"
#include "runtime/support/mapping.h"

enum { MOST_BOXES = 1000 /* of one picture */ };

typedef struct Point {
    double x, y;
} Point;

/* In pixels: of the network's input, or of the picture that it was made of. */
typedef struct Box {
    int64_t class_index;
    double score;
    Point corners[2]; /* left and top, right and bottom; may lie beyond the borders */
    Point *landmarks;
    int landmark_count;
} Box;

typedef struct Boxes {
    Box *items; /* the most certain first */
    int count;
} Boxes;

/* Which boxes are wanted. */
typedef struct BoxWishes {
    double threshold, overlap;
    bool across_classes;
} BoxWishes;

/* The boxes of one picture of the batch, of a graph with an answer: what NAME_find_ANSWER finds in
 * the same outputs, bit for bit. Without a mapping they are in pixels of the input. */
Boxes boxes_find(const Graph *graph, float *const *outputs, int64_t item,
    const struct riffle_mapping *mapping, BoxWishes wishes, Arena *arena);

#endif
