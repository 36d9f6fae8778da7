/* The answer of a classifier for people: the best classes with their names and probabilities. */
#ifndef RIFFLE_DRIVER_ANSWER_H
#define RIFFLE_DRIVER_ANSWER_H

#include "driver/driver.h"
#include "ir/graph.h"

typedef struct Labels {
    const char **names;
    int count;
} Labels;

/* One name a line. False after reporting; a file with another number of lines than `classes` is an
 * error, since its names would belong to other classes. */
bool labels_read(const char *path, int64_t classes, Session *session, Labels *labels);

typedef struct Answer {
    int64_t class_index;
    double probability;
} Answer;

/* The `top` most probable classes of one picture, best first; equal ones in the order of classes:
 * what NAME_top_OUTPUT finds, bit for bit. `answers` has room for `top`; returns how many there
 * are. */
int64_t best_answers(
    const GraphOutput *output, const float *numbers, int64_t top, Arena *arena, Answer *answers);

#endif
