/* Smaller graphs made of a graph: the steps of the reducer. */
#ifndef RIFFLE_PASSES_EDIT_H
#define RIFFLE_PASSES_EDIT_H

#include "ir/graph.h"

typedef enum EditKind {
    EDIT_END_AT_NODE,       /* the results of node `index` become the only outputs */
    EDIT_DROP_DEAD,         /* nodes and inputs that nobody reads */
    EDIT_DROP_OUTPUT,       /* output `index` */
    EDIT_FRESH_INPUT,       /* the results of node `index` become inputs; all before it goes */
    EDIT_DROP_NODE,         /* whoever reads node `index` reads its operand `part` instead */
    EDIT_DROP_OPERAND,      /* operand `part` of node `index` */
    EDIT_DEFAULT_ATTRIBUTE, /* attribute `part` of node `index` */
    EDIT_SHORTER_LIST,      /* the channel list of node `index`: its half `part` */
    EDIT_DROP_WEIGHT,       /* the optional weight `part` of node `index` */
    EDIT_OWN_WEIGHT,        /* no other node has the weights of node `index` */
    EDIT_FEWER_GROUPS,      /* node `index`: one group, or half as many */
    EDIT_FEWER_FILTERS,     /* node `index`: one per group, half, or one less */
    EDIT_FEWER_ALIKE,       /* the same for all nodes that have as many filters as node `index` */
    EDIT_SMALLER_KERNEL,    /* node `index`: a convolution or window of one tap */
    EDIT_SMALLER_INPUT,     /* input `index`, dimension part / 3: to 1, to half, by 1 */
    EDIT_PLAIN_PORTS,       /* inputs and outputs are NCHW, without preprocessing */
    EDIT_DROP_ANSWER,       /* what the outputs mean to people */
    EDIT_COUNT
} EditKind;

typedef struct Edit {
    EditKind kind;
    int index, part;
} Edit;

/* How many values `index` and `part` can take for edits of this kind; not all need apply. */
int edit_index_count(const Graph *graph, EditKind kind);
int edit_part_count(const Graph *graph, EditKind kind, int index);

/* Whether such an edit can leave nodes and inputs that nobody reads. */
bool edit_leaves_dead(EditKind kind);

/* The graph with the edit; nodes behind it are fitted to shapes that changed. NULL when the edit
 * does not apply, or nothing well-formed comes out, or nothing changed. Weights have no data. */
Graph *graph_edited(const Graph *graph, Edit edit, Arena *arena);

#endif
