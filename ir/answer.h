/* The answer of a network: what its outputs mean, for those who show it to people. It changes
 * nothing that is computed, and refers to outputs by their places, which no pass changes. */
#ifndef RIFFLE_IR_ANSWER_H
#define RIFFLE_IR_ANSWER_H

#include "ir/graph.h"

typedef enum Decoding {
#define DECODING(name, cells) DECODING_##name,
#include "ir/decodings.def"
    DECODING_COUNT
} Decoding;

enum { MOST_ANSWER_PARTS = 4, MOST_ANSWER_STRIDES = 16, MOST_ANSWER_ANCHORS = 64 };
enum { LARGEST_ANCHOR = 1 << 20 };

typedef struct DecodingPart {
    const char *name;
    bool required;
    int fixed, repeated;
} DecodingPart;

/* decodings.def says which outputs have them. */
typedef enum DecodingCells {
    CELLS_SHARED,
    CELLS_BY_STRIDE,
    CELLS_BY_ANCHOR,
    CELLS_ROWS
} DecodingCells;

typedef struct DecodingInfo {
    const char *name;
    DecodingCells cells;
    DecodingPart parts[MOST_ANSWER_PARTS];
    int part_count;
} DecodingInfo;

DecodingInfo decoding_info(Decoding decoding);
/* Whether an answer says the distances of cells: `strides`. */
bool decoding_has_strides(const DecodingInfo *info);
/* DECODING_COUNT when there is none of that name. */
Decoding decoding_find(const char *name);
/* The names of all, ending with NULL, for hints. */
const char *const *decoding_names(void);

typedef struct AnswerPart {
    int outputs[MOST_ANSWER_STRIDES]; /* indices of the graph's, one for each stride */
    int count;                        /* 0: the part was not given */
    SourceRange where;
} AnswerPart;

typedef struct GraphAnswer {
    const char *name;
    Decoding decoding;
    AnswerPart parts[MOST_ANSWER_PARTS];
    int64_t strides[MOST_ANSWER_STRIDES];
    int stride_count;
    int64_t anchors[2 * MOST_ANSWER_ANCHORS]; /* width and height of each, in pixels of the input;
                                                 as many for each stride, which are in order */
    int anchor_numbers;
    SourceRange where;
} GraphAnswer;

/* Replaces an answer that the graph has; what `answer` holds is copied. */
void graph_set_answer(Graph *graph, const GraphAnswer *answer);

/* The first thing that is wrong with it, in words, and its place; NULL when nothing is. All indices
 * are of outputs that the graph has. */
const char *answer_fault(
    const Graph *graph, const GraphAnswer *answer, Arena *arena, SourceRange *where);

/* Boxes of each cell, of an answer without faults. */
int answer_anchors(const GraphAnswer *answer);

/* The part's channels for each box in all of its outputs, of an answer without faults. */
int64_t answer_channels(const Graph *graph, const AnswerPart *part);

/* The classes that the answer of the graph tells apart. */
int64_t answer_classes(const Graph *graph);

void answer_print(const Graph *graph, Text *text);

#endif
