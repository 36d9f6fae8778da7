#include "driver/boxes.h"

#include <math.h>
#include <stdlib.h>

/* ---- the cells of the outputs ---- */

/* The numbers of one part, for one stride and one picture: channel c of cell i. */
typedef struct Cells {
    const float *numbers;
    int64_t cells, columns, channels;
    int64_t cell_step, channel_step;
} Cells;

/* All parts for one stride. */
typedef struct Level {
    Cells parts[MOST_ANSWER_PARTS]; /* `numbers` is NULL for those that are not there */
    int64_t rows, columns;
    double stride_x, stride_y; /* pixels of the input from cell to cell */
    double width, height;      /* of the input */
} Level;

static Cells cells_of(const GraphOutput *output, const float *numbers, int64_t item) {
    const TensorType *type = &output->value->type;
    bool is_list = type->rank == 3;
    Cells cells = {.channels = is_list ? type->dims[2] : type->dims[1],
        .cells = is_list ? type->dims[1] : type->dims[2] * type->dims[3]};
    bool channels_last = is_list || output->layout == LAYOUT_NHWC;
    cells.cell_step = channels_last ? cells.channels : 1;
    cells.channel_step = channels_last ? 1 : cells.cells;
    cells.numbers = numbers + item * cells.cells * cells.channels;
    return cells;
}

static double number(const Cells *cells, int64_t cell, int64_t channel) {
    return (double)cells->numbers[cell * cells->cell_step + channel * cells->channel_step];
}

static Level level_of(const Graph *graph, float *const *outputs, int64_t item, int index) {
    const GraphAnswer *answer = graph->answer;
    const TensorType *input = &graph->inputs[0].value->type;
    Level level = {.height = (double)input->dims[2], .width = (double)input->dims[3]};
    for (int i = 0; i < MOST_ANSWER_PARTS; i++) {
        int output = answer->parts[i].outputs[index];
        if (answer->parts[i].count > 0)
            level.parts[i] = cells_of(&graph->outputs[output], outputs[output], item);
    }
    if (answer->stride_count > 0) {
        level.rows = input->dims[2] / answer->strides[index];
        level.columns = input->dims[3] / answer->strides[index];
    } else {
        const TensorType *map = &graph->outputs[answer->parts[0].outputs[0]].value->type;
        level.rows = map->dims[2];
        level.columns = map->dims[3];
    }
    level.stride_x = level.width / (double)level.columns;
    level.stride_y = level.height / (double)level.rows;
    return level;
}

/* The largest of the channels from `first` on and its index behind that; NaN when one is. */
static double best_class(const Cells *cells, int64_t cell, int64_t first, int64_t *index) {
    double best = -INFINITY;
    *index = 0;
    for (int64_t c = first; c < cells->channels; c++) {
        double score = number(cells, cell, c);
        if (isnan(score))
            return score;
        if (score > best) {
            best = score;
            *index = c - first;
        }
    }
    return best;
}

static void place(Box *box, double x, double y, double width, double height) {
    box->corners[0] = (Point){x - width / 2, y - height / 2};
    box->corners[1] = (Point){x + width / 2, y + height / 2};
}

/* ---- the decodings: a function to score a cell, and one to place its box ---- */

typedef void Decoder(const Level *level, int64_t cell, Box *box);

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double unit_range(double x) {
    return x < 0 ? 0 : x > 1 ? 1 : x; /* NaN stays */
}

static void score_tanh_boxes(const Level *level, int64_t cell, Box *box) {
    const Cells *cells = &level->parts[0];
    box->score = number(cells, cell, 0) * best_class(cells, cell, 5, &box->class_index);
}

static void place_tanh_boxes(const Level *level, int64_t cell, Box *box) {
    const Cells *cells = &level->parts[0];
    double column = (double)(cell % level->columns), row = (double)(cell / level->columns);
    place(box, (column + tanh(number(cells, cell, 1))) * level->stride_x,
        (row + tanh(number(cells, cell, 2))) * level->stride_y,
        sigmoid(number(cells, cell, 3)) * level->width,
        sigmoid(number(cells, cell, 4)) * level->height);
}

static void score_exp_boxes(const Level *level, int64_t cell, Box *box) {
    double class = best_class(&level->parts[0], cell, 0, &box->class_index);
    double object = number(&level->parts[1], cell, 0);
    box->score = sqrt(unit_range(class) * unit_range(object));
}

static void place_exp_boxes(const Level *level, int64_t cell, Box *box) {
    const Cells *sizes = &level->parts[2], *landmarks = &level->parts[3];
    double column = (double)(cell % level->columns), row = (double)(cell / level->columns);
    place(box, (column + number(sizes, cell, 0)) * level->stride_x,
        (row + number(sizes, cell, 1)) * level->stride_y,
        exp(number(sizes, cell, 2)) * level->stride_x,
        exp(number(sizes, cell, 3)) * level->stride_y);
    for (int i = 0; i < box->landmark_count; i++)
        box->landmarks[i] = (Point){(column + number(landmarks, cell, 2 * i)) * level->stride_x,
            (row + number(landmarks, cell, 2 * i + 1)) * level->stride_y};
}

static const struct {
    Decoder *score, *place;
    int classes_part, landmarks_part; /* landmarks: -1 for none */
    int64_t other_channels;           /* of the classes' part */
} decoders[DECODING_COUNT] = {
    [DECODING_tanh_boxes] = {score_tanh_boxes, place_tanh_boxes, 0, -1, 5},
    [DECODING_exp_boxes] = {score_exp_boxes, place_exp_boxes, 0, 3, 0},
};

int64_t boxes_classes(const Graph *graph) {
    const GraphAnswer *answer = graph->answer;
    return answer_channels(graph, &answer->parts[decoders[answer->decoding].classes_part]) -
           decoders[answer->decoding].other_channels;
}

/* ---- candidates ---- */

typedef struct BoxCandidate {
    Box box;
    int level;
    int64_t cell;
} BoxCandidate;

typedef struct Candidates {
    BoxCandidate *items;
    size_t count, capacity;
    Arena *arena;
} Candidates;

static void add_candidate(Candidates *candidates, BoxCandidate candidate) {
    if (candidates->count == candidates->capacity) {
        size_t capacity = candidates->capacity == 0 ? 64 : 2 * candidates->capacity;
        candidates->items = arena_grow(candidates->arena, candidates->items, candidates->count,
            capacity, sizeof(BoxCandidate));
        candidates->capacity = capacity;
    }
    candidates->items[candidates->count++] = candidate;
}

/* The most certain first; else in the order of the outputs. */
static int compare_candidates(const void *left, const void *right) {
    const BoxCandidate *a = left, *b = right;
    if (a->box.score != b->box.score)
        return a->box.score > b->box.score ? -1 : 1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell);
}

static bool is_finite(const Box *box) {
    bool finite = true;
    for (int i = 0; i < 2; i++)
        finite = finite && isfinite(box->corners[i].x) && isfinite(box->corners[i].y);
    for (int i = 0; i < box->landmark_count; i++)
        finite = finite && isfinite(box->landmarks[i].x) && isfinite(box->landmarks[i].y);
    return finite;
}

/* ---- non-maximum suppression ---- */

static double area(const Box *box) {
    return (box->corners[1].x - box->corners[0].x) * (box->corners[1].y - box->corners[0].y);
}

/* The share of the union that is in both. */
static double shared_part(const Box *a, const Box *b) {
    double width = fmin(a->corners[1].x, b->corners[1].x) - fmax(a->corners[0].x, b->corners[0].x);
    double height = fmin(a->corners[1].y, b->corners[1].y) - fmax(a->corners[0].y, b->corners[0].y);
    if (width <= 0 || height <= 0)
        return 0;
    double both = width * height;
    return both / (area(a) + area(b) - both);
}

static bool is_suppressed(const Boxes *boxes, const Box *box, double overlap) {
    for (int i = 0; i < boxes->count; i++) {
        const Box *better = &boxes->items[i];
        if (better->class_index == box->class_index && shared_part(better, box) > overlap)
            return true;
    }
    return false;
}

Boxes boxes_find(const Graph *graph, float *const *outputs, int64_t item, double threshold,
    double overlap, Arena *arena) {
    const GraphAnswer *answer = graph->answer;
    int landmarks_part = decoders[answer->decoding].landmarks_part;
    int level_count = answer->parts[0].count;
    Level levels[MOST_ANSWER_STRIDES];
    Candidates candidates = {.arena = arena};
    for (int i = 0; i < level_count; i++) {
        levels[i] = level_of(graph, outputs, item, i);
        for (int64_t cell = 0; cell < levels[i].rows * levels[i].columns; cell++) {
            BoxCandidate candidate = {.level = i, .cell = cell};
            decoders[answer->decoding].score(&levels[i], cell, &candidate.box);
            if (isfinite(candidate.box.score) && candidate.box.score >= threshold)
                add_candidate(&candidates, candidate);
        }
    }
    if (candidates.count > 0)
        qsort(candidates.items, candidates.count, sizeof(BoxCandidate), compare_candidates);
    Point *spare = NULL; /* of a box that was left out */
    Boxes boxes = {.items = ARENA_ARRAY(arena, Box, MOST_BOXES)};
    for (size_t i = 0; i < candidates.count && i < MOST_CANDIDATES && boxes.count < MOST_BOXES;
        i++) {
        const BoxCandidate *candidate = &candidates.items[i];
        const Level *level = &levels[candidate->level];
        Box box = candidate->box;
        if (landmarks_part >= 0 && level->parts[landmarks_part].numbers != NULL) {
            box.landmark_count = (int)(level->parts[landmarks_part].channels / 2);
            box.landmarks = spare != NULL ? spare : ARENA_ARRAY(arena, Point, box.landmark_count);
        }
        decoders[answer->decoding].place(level, candidate->cell, &box);
        bool kept = is_finite(&box) && !is_suppressed(&boxes, &box, overlap);
        spare = kept ? NULL : box.landmarks;
        if (kept)
            boxes.items[boxes.count++] = box;
    }
    return boxes;
}
