#include "runtime/support/boxes.h"
#include "runtime/support/box_functions.h"

/* The numbers of one part, for one level. */
struct riffle_support_part {
    const float *numbers; /* NULL: there is no such part */
    int32_t first_channel, channels, cell_step, channel_step;
};

/* All parts for one level of cells. */
struct riffle_support_level {
    struct riffle_support_part parts[RIFFLE_LEVEL_PARTS];
    int32_t cells, columns, landmarks;
    double stride_x, stride_y; /* pixels of the input from cell to cell */
    double width, height;      /* of the input */
    double anchor_width, anchor_height;
};

/* A cell whose score is high enough. */
struct riffle_support_candidate {
    double score;
    int32_t cell; /* of all levels, one after the other */
    int32_t class_index;
};

/* A box while it is placed, in pixels of the input. */
struct riffle_support_place_of_box {
    double x, y, width, height;
};

/* ---- cells ---- */

static double riffle_support_number(
    const struct riffle_support_part *part, int32_t cell, int32_t channel) {
    return part->numbers[(size_t)cell * (size_t)part->cell_step +
                         (size_t)(part->first_channel + channel) * (size_t)part->channel_step];
}

/* The level that `index` is, of the outputs' numbers. */
static struct riffle_support_level riffle_support_level(
    const float *const *outputs, int32_t index, const int32_t *numbers) {
    const int32_t *own = numbers + RIFFLE_BOXES_NUMBERS +
                         index * (RIFFLE_LEVEL_NUMBERS + RIFFLE_LEVEL_PARTS * RIFFLE_PART_NUMBERS);
    struct riffle_support_level level = {
        .cells = own[RIFFLE_LEVEL_ROWS] * own[RIFFLE_LEVEL_COLUMNS],
        .columns = own[RIFFLE_LEVEL_COLUMNS],
        .landmarks = numbers[RIFFLE_BOXES_LANDMARKS],
        .width = numbers[RIFFLE_BOXES_WIDTH],
        .height = numbers[RIFFLE_BOXES_HEIGHT],
        .anchor_width = own[RIFFLE_LEVEL_ANCHOR_WIDTH],
        .anchor_height = own[RIFFLE_LEVEL_ANCHOR_HEIGHT]};
    level.stride_x = level.width / own[RIFFLE_LEVEL_COLUMNS];
    level.stride_y = level.height / own[RIFFLE_LEVEL_ROWS];
    for (int32_t i = 0; i < RIFFLE_LEVEL_PARTS; i++) {
        const int32_t *part = own + RIFFLE_LEVEL_NUMBERS + i * RIFFLE_PART_NUMBERS;
        if (part[RIFFLE_PART_OUTPUT] >= 0)
            level.parts[i] = (struct riffle_support_part){outputs[part[RIFFLE_PART_OUTPUT]],
                part[RIFFLE_PART_FIRST_CHANNEL], part[RIFFLE_PART_CHANNELS],
                part[RIFFLE_PART_CELL_STEP], part[RIFFLE_PART_CHANNEL_STEP]};
    }
    return level;
}

/* The largest of the channels from `first` on and its index behind that; NaN when one is. */
static double riffle_support_best_class(
    const struct riffle_support_part *part, int32_t cell, int32_t first, int32_t *index) {
    double best = riffle_support_number(part, cell, first);
    *index = 0;
    for (int32_t c = first; c < part->channels; c++) {
        double score = riffle_support_number(part, cell, c);
        if (score != score)
            return score;
        if (score > best) {
            best = score;
            *index = c - first;
        }
    }
    return best;
}

/* ---- the decodings: a score, and a place ---- */

/* NaN stays. */
static double riffle_support_unit_range(double x) {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double riffle_support_score(
    int32_t decoding, const struct riffle_support_level *level, int32_t cell, int32_t *index) {
    const struct riffle_support_part *parts = level->parts;
    switch (decoding) {
    case RIFFLE_DECODING_tanh_boxes:
        return riffle_support_number(&parts[0], cell, 0) *
               riffle_support_best_class(&parts[0], cell, 5, index);
    case RIFFLE_DECODING_exp_boxes:
        return riffle_support_square_root(
            riffle_support_unit_range(riffle_support_best_class(&parts[0], cell, 0, index)) *
            riffle_support_unit_range(riffle_support_number(&parts[1], cell, 0)));
    case RIFFLE_DECODING_anchor_boxes:
        return riffle_support_sigmoid(riffle_support_number(&parts[0], cell, 4)) *
               riffle_support_sigmoid(riffle_support_best_class(&parts[0], cell, 5, index));
    case RIFFLE_DECODING_ready_boxes:
        return riffle_support_best_class(&parts[0], cell, 1, index);
    default:
        return riffle_support_best_class(&parts[0], cell, 0, index);
    }
}

/* Offset `channel` of the part in cells, and the next, as a point of the input. */
static void riffle_support_point(const struct riffle_support_level *level,
    const struct riffle_support_part *part, int32_t cell, int32_t channel, double *x, double *y) {
    *x = (cell % level->columns + riffle_support_number(part, cell, channel)) * level->stride_x;
    *y = (cell / level->columns + riffle_support_number(part, cell, channel + 1)) * level->stride_y;
}

static struct riffle_support_place_of_box riffle_support_place_of_tanh(
    const struct riffle_support_level *level, int32_t cell) {
    struct riffle_support_place_of_box place;
    const struct riffle_support_part *part = &level->parts[0];
    double x = riffle_support_tanh(riffle_support_number(part, cell, 1));
    double y = riffle_support_tanh(riffle_support_number(part, cell, 2));
    place.x = (cell % level->columns + x) * level->stride_x;
    place.y = (cell / level->columns + y) * level->stride_y;
    place.width = riffle_support_sigmoid(riffle_support_number(part, cell, 3)) * level->width;
    place.height = riffle_support_sigmoid(riffle_support_number(part, cell, 4)) * level->height;
    return place;
}

static struct riffle_support_place_of_box riffle_support_place_of_sides(
    double left, double top, double right, double bottom) {
    struct riffle_support_place_of_box place = {
        (left + right) / 2, (top + bottom) / 2, right - left, bottom - top};
    return place;
}

/* The mean of 0, 1, 2 ... weighted by the softmax of as many numbers; one number is itself. */
static double riffle_support_distance(
    const struct riffle_support_part *part, int32_t cell, int32_t side) {
    int32_t count = part->channels / 4, first = side * count, unused;
    struct riffle_support_part own = *part;
    if (count == 1)
        return riffle_support_number(part, cell, side);
    own.channels = first + count;
    double largest = riffle_support_best_class(&own, cell, first, &unused), sum = 0, weighted = 0;
    for (int32_t i = 0; i < count; i++) {
        double weight = riffle_support_exp(riffle_support_number(part, cell, first + i) - largest);
        sum = sum + weight;
        weighted = weighted + i * weight;
    }
    return weighted / sum;
}

/* `middle` is the cell's place from which distances are, in cells from its corner. */
static struct riffle_support_place_of_box riffle_support_place_of_distances(
    const struct riffle_support_level *level, int32_t cell, double middle) {
    const struct riffle_support_part *part = &level->parts[1];
    double x = cell % level->columns + middle, y = cell / level->columns + middle;
    double left = x - riffle_support_distance(part, cell, 0);
    double top = y - riffle_support_distance(part, cell, 1);
    double right = x + riffle_support_distance(part, cell, 2);
    double bottom = y + riffle_support_distance(part, cell, 3);
    return riffle_support_place_of_sides(left * level->stride_x, top * level->stride_y,
        right * level->stride_x, bottom * level->stride_y);
}

static struct riffle_support_place_of_box riffle_support_place_of_shares(
    const struct riffle_support_level *level, int32_t cell) {
    const struct riffle_support_part *part = &level->parts[1];
    return riffle_support_place_of_sides(riffle_support_number(part, cell, 0) * level->width,
        riffle_support_number(part, cell, 1) * level->height,
        riffle_support_number(part, cell, 2) * level->width,
        riffle_support_number(part, cell, 3) * level->height);
}

static struct riffle_support_place_of_box riffle_support_place_of_anchor(
    const struct riffle_support_level *level, int32_t cell) {
    struct riffle_support_place_of_box place;
    double share[4];
    for (int32_t i = 0; i < 4; i++)
        share[i] = 2 * riffle_support_sigmoid(riffle_support_number(&level->parts[0], cell, i));
    place.x = (cell % level->columns + share[0] - 0.5) * level->stride_x;
    place.y = (cell / level->columns + share[1] - 0.5) * level->stride_y;
    place.width = share[2] * share[2] * level->anchor_width;
    place.height = share[3] * share[3] * level->anchor_height;
    return place;
}

static struct riffle_support_place_of_box riffle_support_place_of_exp(
    const struct riffle_support_level *level, int32_t cell) {
    struct riffle_support_place_of_box place;
    const struct riffle_support_part *sizes = &level->parts[2];
    riffle_support_point(level, sizes, cell, 0, &place.x, &place.y);
    place.width = riffle_support_exp(riffle_support_number(sizes, cell, 2)) * level->stride_x;
    place.height = riffle_support_exp(riffle_support_number(sizes, cell, 3)) * level->stride_y;
    return place;
}

static struct riffle_support_place_of_box riffle_support_place_box(
    int32_t decoding, const struct riffle_support_level *level, int32_t cell) {
    switch (decoding) {
    case RIFFLE_DECODING_tanh_boxes:
        return riffle_support_place_of_tanh(level, cell);
    case RIFFLE_DECODING_exp_boxes:
        return riffle_support_place_of_exp(level, cell);
    case RIFFLE_DECODING_anchor_boxes:
        return riffle_support_place_of_anchor(level, cell);
    case RIFFLE_DECODING_ready_boxes:
        return riffle_support_place_of_shares(level, cell);
    default:
        return riffle_support_place_of_distances(
            level, cell, decoding == RIFFLE_DECODING_distance_boxes ? 0.5 : 0);
    }
}

/* ---- the best candidates: a heap whose first is the worst of them ---- */

/* Of equal scores the first of the outputs is better. */
static int riffle_support_is_worse(
    const struct riffle_support_candidate *a, const struct riffle_support_candidate *b) {
    return a->score != b->score ? a->score < b->score : a->cell > b->cell;
}

/* Puts the candidate where it belongs, from the first place down. */
static void riffle_support_sift(struct riffle_support_candidate *heap, int32_t count,
    struct riffle_support_candidate candidate) {
    int32_t at = 0;
    for (int32_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && riffle_support_is_worse(&heap[child + 1], &heap[child]))
            child++;
        if (!riffle_support_is_worse(&heap[child], &candidate))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = candidate;
}

static void riffle_support_add_candidate(struct riffle_support_candidate *heap, int32_t *count,
    struct riffle_support_candidate candidate) {
    if (*count == RIFFLE_MOST_CANDIDATES) {
        if (riffle_support_is_worse(&heap[0], &candidate))
            riffle_support_sift(heap, *count, candidate);
        return;
    }
    int32_t at = (*count)++;
    while (at > 0 && riffle_support_is_worse(&candidate, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = candidate;
}

/* The best first. */
static void riffle_support_sort(struct riffle_support_candidate *heap, int32_t count) {
    while (count > 1) {
        struct riffle_support_candidate last = heap[--count];
        heap[count] = heap[0];
        riffle_support_sift(heap, count, last);
    }
}

static int32_t riffle_support_find_candidates(const float *const *outputs, double threshold,
    const int32_t *numbers, struct riffle_support_candidate *heap) {
    int32_t count = 0, before = 0;
    for (int32_t i = 0; i < numbers[RIFFLE_BOXES_LEVELS]; i++) {
        struct riffle_support_level level = riffle_support_level(outputs, i, numbers);
        for (int32_t cell = 0; cell < level.cells; cell++) {
            struct riffle_support_candidate candidate = {.cell = before + cell};
            candidate.score = riffle_support_score(
                numbers[RIFFLE_BOXES_DECODING], &level, cell, &candidate.class_index);
            if (riffle_support_is_finite((float)candidate.score) && candidate.score >= threshold)
                riffle_support_add_candidate(heap, &count, candidate);
        }
        before += level.cells;
    }
    riffle_support_sort(heap, count);
    return count;
}

/* ---- boxes ---- */

/* Box and landmarks in pixels of the frame. Whether all are finite. */
static int riffle_support_store_box(const struct riffle_support_level *level, int32_t decoding,
    int32_t cell, const struct riffle_mapping *mapping, struct riffle_support_box *box,
    float *landmarks) {
    struct riffle_support_place_of_box place = riffle_support_place_box(decoding, level, cell);
    box->left = (float)((place.x - place.width / 2) * mapping->scale_x + mapping->offset_x);
    box->top = (float)((place.y - place.height / 2) * mapping->scale_y + mapping->offset_y);
    box->right = (float)((place.x + place.width / 2) * mapping->scale_x + mapping->offset_x);
    box->bottom = (float)((place.y + place.height / 2) * mapping->scale_y + mapping->offset_y);
    int finite = riffle_support_is_finite(box->left) && riffle_support_is_finite(box->top) &&
                 riffle_support_is_finite(box->right) && riffle_support_is_finite(box->bottom);
    for (int32_t i = 0; i < level->landmarks; i++) {
        double x, y;
        riffle_support_point(level, &level->parts[3], cell, 2 * i, &x, &y);
        landmarks[2 * i] = (float)(x * mapping->scale_x + mapping->offset_x);
        landmarks[2 * i + 1] = (float)(y * mapping->scale_y + mapping->offset_y);
        finite = finite && riffle_support_is_finite(landmarks[2 * i]) &&
                 riffle_support_is_finite(landmarks[2 * i + 1]);
    }
    return finite;
}

static double riffle_support_area(const struct riffle_support_box *box) {
    return ((double)box->right - box->left) * ((double)box->bottom - box->top);
}

/* The share of the union that is in both. */
static double riffle_support_shared_part(
    const struct riffle_support_box *a, const struct riffle_support_box *b) {
    double left = a->left > b->left ? a->left : b->left;
    double right = a->right < b->right ? a->right : b->right;
    double top = a->top > b->top ? a->top : b->top;
    double bottom = a->bottom < b->bottom ? a->bottom : b->bottom;
    if (right <= left || bottom <= top)
        return 0;
    double both = (right - left) * (bottom - top);
    return both / (riffle_support_area(a) + riffle_support_area(b) - both);
}

static size_t riffle_support_box_bytes(const int32_t *numbers) {
    return sizeof(struct riffle_support_box) +
           2 * sizeof(float) * (size_t)numbers[RIFFLE_BOXES_LANDMARKS];
}

RIFFLE_SUPPORT_SHARED size_t riffle_support_boxes_scratch_bytes(
    const int32_t *numbers, const float *values) {
    (void)values;
    int32_t most = numbers[RIFFLE_BOXES_CELLS] < RIFFLE_MOST_CANDIDATES
                       ? numbers[RIFFLE_BOXES_CELLS]
                       : RIFFLE_MOST_CANDIDATES;
    return (size_t)most * sizeof(struct riffle_support_candidate) + 16; /* to align it */
}

/* Whether outputs are there that the answer reads and the caller did not give. */
static int riffle_support_outputs_are_missing(const float *const *outputs, const int32_t *numbers) {
    for (int32_t i = 0; i < numbers[RIFFLE_BOXES_LEVELS]; i++) {
        struct riffle_support_level level = riffle_support_level(outputs, i, numbers);
        for (int32_t k = 0; k < RIFFLE_LEVEL_PARTS; k++)
            if (level.parts[k].channels > 0 && level.parts[k].numbers == NULL)
                return 1;
    }
    return 0;
}

/* The level of a cell, which becomes its place there. */
static struct riffle_support_level riffle_support_level_of(
    const float *const *outputs, const int32_t *numbers, int32_t *cell) {
    int32_t index = 0;
    struct riffle_support_level level = riffle_support_level(outputs, index, numbers);
    while (*cell >= level.cells) {
        *cell -= level.cells;
        level = riffle_support_level(outputs, ++index, numbers);
    }
    return level;
}

RIFFLE_SUPPORT_SHARED int riffle_support_boxes(const void *outputs,
    const struct riffle_mapping *mapping, float threshold, float overlap, int across_classes,
    void *boxes, int most, void *scratch, const int32_t *numbers, const float *values) {
    static const struct riffle_mapping of_input = {1, 1, 0, 0};
    const float *const *pointers = outputs;
    (void)values;
    if (outputs == NULL || boxes == NULL || scratch == NULL ||
        riffle_support_outputs_are_missing(pointers, numbers))
        return -RIFFLE_STATUS_NULL_POINTER;
    unsigned char *begin = scratch;
    begin += (0 - (uintptr_t)begin) % 16;
    struct riffle_support_candidate *candidates = (void *)begin;
    int32_t count = riffle_support_find_candidates(pointers, threshold, numbers, candidates);
    size_t bytes = riffle_support_box_bytes(numbers);
    int32_t kept = 0;
    for (int32_t i = 0; i < count && kept < most; i++) {
        struct riffle_support_box *box = (void *)((unsigned char *)boxes + (size_t)kept * bytes);
        int32_t cell = candidates[i].cell;
        struct riffle_support_level level = riffle_support_level_of(pointers, numbers, &cell);
        box->score = (float)candidates[i].score;
        box->class_index = candidates[i].class_index;
        int keep = riffle_support_store_box(&level, numbers[RIFFLE_BOXES_DECODING], cell,
            mapping ? mapping : &of_input, box, (float *)(void *)(box + 1));
        for (int32_t k = 0; k < kept && keep; k++) {
            const struct riffle_support_box *better =
                (const void *)((const unsigned char *)boxes + (size_t)k * bytes);
            keep = (!across_classes && better->class_index != box->class_index) ||
                   riffle_support_shared_part(better, box) <= overlap;
        }
        kept += keep;
    }
    return kept;
}
