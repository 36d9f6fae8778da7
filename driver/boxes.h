/* Boxes from the outputs of a network, as its spec says with an answer. */
#ifndef RIFFLE_DRIVER_BOXES_H
#define RIFFLE_DRIVER_BOXES_H

#include "driver/driver.h"
#include "ir/answer.h"

enum {
    MOST_CANDIDATES = 4096, /* the best that are looked at */
    MOST_BOXES = 1000       /* of one picture */
};

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

/* How many classes the answer tells apart. */
int64_t boxes_classes(const Graph *graph);

/* The boxes of one picture of the batch, of a graph with an answer: those whose score is not below
 * `threshold`, without those that share more than `overlap` of the union with a better one of the
 * same class (non-maximum suppression). Of equal scores the first of the output counts as better.
 * Cells with a number in the way that is not finite are left out. */
Boxes boxes_find(const Graph *graph, float *const *outputs, int64_t item, double threshold,
    double overlap, Arena *arena);

#endif
