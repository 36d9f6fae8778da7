/* In which form a processor computes a node. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_FORM_H
#define RIFFLE_BACKENDS_SCHEDULE_FORM_H

#include "backends/program/placement.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/winograd.h"
#include "ir/graph.h"

typedef enum Form {
    FORM_NONE,     /* not at all: the pipeline must remove it */
    FORM_CONSTANT, /* it lies with the weights */
    FORM_ROWS,     /* row by row: a convolution, a window, or a chain that ends with the node */
    FORM_FLAT,     /* a convolution without window, as one row of all pixels */
    FORM_WINOGRAD, /* a 3x3 convolution in blocks */
    FORM_QUANTIZE, /* floats become bytes */
    FORM_PIXELS,   /* bytes of a picture become floats */
    FORM_SAMPLE,   /* rows and columns by tables */
    FORM_ELEMENTS,
    FORM_LAYOUT,
    FORM_REDUCTION
} Form;

/* `operands` are where the node's operands lie. Sets *block for FORM_WINOGRAD. */
Form form_of(const Decisions *decisions, const Node *node, const Placement *const *operands,
    WinogradBlock *block);

#endif
