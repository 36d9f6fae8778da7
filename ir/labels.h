/* The names of the classes that a network tells apart. They change nothing that is computed. */
#ifndef RIFFLE_IR_LABELS_H
#define RIFFLE_IR_LABELS_H

#include "ir/graph.h"

enum { LARGEST_LABELS = 4 << 20 /* bytes of a file */ };

typedef struct GraphLabels {
    const char **names; /* UTF-8, in the order of classes */
    int count;
    SourceRange where;
} GraphLabels;

/* Replaces labels that the graph has; the names are copied. */
void graph_set_labels(Graph *graph, const GraphLabels *labels);

/* Whether the output holds one number per class: [batch, classes], with or without [1, 1] behind.
 */
bool output_is_classes(const GraphOutput *output);
/* How many classes there are: those of the answer, which has no fault, or of the first output; 0
 * where neither tells any. */
int64_t graph_classes(const Graph *graph);

/* What is wrong with them, in words; NULL when nothing is. */
const char *labels_fault(const Graph *graph, const GraphLabels *labels, Arena *arena);

/* The lines of a file, without what ends them; a NUL ends a name. */
const char **labels_of_lines(const SourceFile *file, Arena *arena, int *count);

#endif
