#include "ir/answer.h"

#include <inttypes.h>
#include <string.h>

/* ---- the table ---- */

static const struct {
    const char *name;
    DecodingCells cells;
} decodings[] = {
#define DECODING(name, cells) {#name, CELLS_##cells},
#include "ir/decodings.def"
};

static const struct {
    Decoding decoding;
    DecodingPart part;
} all_parts[] = {
#define DECODING_PART(decoding, name, required, fixed, repeated)                                   \
    {DECODING_##decoding, {#name, required, fixed, repeated}},
#include "ir/decodings.def"
};

DecodingInfo decoding_info(Decoding decoding) {
    DecodingInfo info = {.name = decodings[decoding].name, .cells = decodings[decoding].cells};
    for (size_t i = 0; i < sizeof all_parts / sizeof *all_parts; i++)
        if (all_parts[i].decoding == decoding)
            info.parts[info.part_count++] = all_parts[i].part;
    return info;
}

bool decoding_has_strides(const DecodingInfo *info) {
    return info->cells == CELLS_BY_STRIDE || info->cells == CELLS_BY_ANCHOR;
}

const char *const *decoding_names(void) {
    static const char *const names[] = {
#define DECODING(name, cells) #name,
#include "ir/decodings.def"
        NULL};
    return names;
}

Decoding decoding_find(const char *name) {
    Decoding decoding = 0;
    while (decoding < DECODING_COUNT && strcmp(decodings[decoding].name, name) != 0)
        decoding++;
    return decoding;
}

void graph_set_answer(Graph *graph, const GraphAnswer *answer) {
    graph->answer = ARENA_NEW(graph->arena, GraphAnswer);
    *graph->answer = *answer;
    graph->answer->name = arena_copy_string(graph->arena, answer->name);
}

/* ---- faults ---- */

static bool is_channels(const DecodingPart *part, int anchors, int64_t all) {
    int64_t channels = all % anchors == 0 ? all / anchors : -1;
    int64_t repeated = channels - part->fixed;
    return part->repeated == 0 ? repeated == 0
                               : repeated >= part->repeated && repeated % part->repeated == 0;
}

/* "5 + n", "4", "2 * n", "3 * (5 + n)" */
static const char *channels_spelling(const DecodingPart *part, int anchors, Arena *arena) {
    if (anchors > 1)
        return arena_format(arena, "%d * (%s)", anchors, channels_spelling(part, 1, arena));
    if (part->repeated == 0)
        return arena_format(arena, "%d", part->fixed);
    const char *many = part->repeated == 1 ? "n" : arena_format(arena, "%d * n", part->repeated);
    return part->fixed == 0 ? many : arena_format(arena, "%d + %s", part->fixed, many);
}

static int64_t output_channels(const Graph *graph, int output) {
    const TensorType *type = &graph->outputs[output].value->type;
    return type->rank == 3 ? type->dims[2] : type->dims[1];
}

int answer_anchors(const GraphAnswer *answer) {
    return answer->anchor_numbers > 0 ? answer->anchor_numbers / (2 * answer->stride_count) : 1;
}

int64_t answer_channels(const Graph *graph, const AnswerPart *part) {
    return output_channels(graph, part->outputs[0]) / answer_anchors(graph->answer);
}

int64_t answer_classes(const Graph *graph) {
    const GraphAnswer *answer = graph->answer;
    return answer_channels(graph, &answer->parts[0]) -
           decoding_info(answer->decoding).parts[0].fixed;
}

/* `stride` is 0 where the cells share the input out. */
static const char *output_fault(const Graph *graph, const GraphAnswer *answer,
    const DecodingPart *part, int output, int64_t stride, Arena *arena) {
    int anchors = answer_anchors(answer);
    const TensorType *picture = &graph->inputs[0].value->type;
    const TensorType *type = &graph->outputs[output].value->type;
    int64_t batch = picture->dims[0];
    int64_t rows = stride > 0 ? picture->dims[2] / stride : 0;
    int64_t columns = stride > 0 ? picture->dims[3] / stride : 0;
    bool is_list = stride > 0 && type->rank == 3 && type->dims[1] == rows * columns;
    bool is_map =
        type->rank == 4 && (stride == 0 || (type->dims[2] == rows && type->dims[3] == columns));
    if ((is_list || is_map) && type->dims[0] == batch &&
        is_channels(part, anchors, output_channels(graph, output)))
        return NULL;
    const char *channels = channels_spelling(part, anchors, arena);
    const char *name = graph->outputs[output].name;
    const char *spelling = tensor_type_spelling(type, arena);
    if (stride == 0)
        return arena_format(arena,
            "output '%s' is %s where '%s' is [%" PRId64 ", %s, rows, columns]", name, spelling,
            part->name, batch, channels);
    return arena_format(arena,
        "output '%s' is %s where '%s' at stride %" PRId64 " is [%" PRId64 ", %" PRId64
        ", %s] or [%" PRId64 ", %s, %" PRId64 ", %" PRId64 "]",
        name, spelling, part->name, stride, batch, rows * columns, channels, batch, channels, rows,
        columns);
}

/* The rows of a part that have as many boxes as those of the first part. */
static const char *rows_fault(
    const Graph *graph, const DecodingPart *part, int output, int first, Arena *arena) {
    const TensorType *type = &graph->outputs[output].value->type;
    const TensorType *boxes = &graph->outputs[first].value->type;
    int64_t batch = graph->inputs[0].value->type.dims[0];
    if (type->rank != 3 || type->dims[0] != batch || !is_channels(part, 1, type->dims[2]))
        return arena_format(arena, "output '%s' is %s where '%s' is [%" PRId64 ", boxes, %s]",
            graph->outputs[output].name, tensor_type_spelling(type, arena), part->name, batch,
            channels_spelling(part, 1, arena));
    if (type->dims[1] == boxes->dims[1])
        return NULL;
    return arena_format(arena, "output '%s' has %" PRId64 " boxes where '%s' has %" PRId64,
        graph->outputs[output].name, type->dims[1], graph->outputs[first].name, boxes->dims[1]);
}

static const char *part_fault(
    const Graph *graph, const GraphAnswer *answer, int index, Arena *arena) {
    DecodingInfo info = decoding_info(answer->decoding);
    const DecodingPart *wanted = &info.parts[index];
    const AnswerPart *part = &answer->parts[index];
    bool by_stride = decoding_has_strides(&info);
    int count = by_stride ? answer->stride_count : 1;
    if (part->count == 0)
        return wanted->required
                   ? arena_format(arena, "'%s' of %s is missing", wanted->name, info.name)
                   : NULL;
    if (part->count != count)
        return arena_format(arena, "'%s' of %s has %d outputs, not %d%s", wanted->name, info.name,
            part->count, count, by_stride ? ", one for each stride" : "");
    for (int i = 0; i < count; i++) {
        int64_t stride = by_stride ? answer->strides[i] : 0;
        const char *fault =
            info.cells == CELLS_ROWS
                ? rows_fault(graph, wanted, part->outputs[i], answer->parts[0].outputs[0], arena)
                : output_fault(graph, answer, wanted, part->outputs[i], stride, arena);
        if (fault != NULL)
            return fault;
        int64_t channels = output_channels(graph, part->outputs[i]);
        int64_t first = output_channels(graph, part->outputs[0]);
        if (channels != first)
            return arena_format(arena,
                "output '%s' has %" PRId64 " channels where '%s' has %" PRId64,
                graph->outputs[part->outputs[i]].name, channels,
                graph->outputs[part->outputs[0]].name, first);
    }
    return NULL;
}

static const char *stride_fault(const Graph *graph, const GraphAnswer *answer, Arena *arena) {
    DecodingInfo info = decoding_info(answer->decoding);
    const TensorType *picture = &graph->inputs[0].value->type;
    if (decoding_has_strides(&info) && answer->stride_count == 0)
        return arena_format(arena, "'strides' of %s is missing", info.name);
    for (int i = 0; i < answer->stride_count; i++) {
        int64_t stride = answer->strides[i];
        if (stride < 1 || picture->dims[2] % stride != 0 || picture->dims[3] % stride != 0)
            return arena_format(arena,
                "a stride of %" PRId64 " does not divide the input's %" PRId64 " rows and %" PRId64
                " columns",
                stride, picture->dims[2], picture->dims[3]);
    }
    return NULL;
}

static const char *anchor_fault(const GraphAnswer *answer, Arena *arena) {
    DecodingInfo info = decoding_info(answer->decoding);
    int count = answer->anchor_numbers;
    if (info.cells == CELLS_BY_ANCHOR && count == 0)
        return arena_format(arena, "'anchors' of %s is missing", info.name);
    if (count > 0 && count % (2 * answer->stride_count) != 0)
        return arena_format(arena,
            "'anchors' of %s has %d numbers, which is not a width and a height for as many anchors "
            "of each of %d strides",
            info.name, count, answer->stride_count);
    for (int i = 0; i < count; i++)
        if (answer->anchors[i] < 1 || answer->anchors[i] > LARGEST_ANCHOR)
            return arena_format(arena, "an anchor has 1 to %d pixels, not %" PRId64, LARGEST_ANCHOR,
                answer->anchors[i]);
    return NULL;
}

const char *answer_fault(
    const Graph *graph, const GraphAnswer *answer, Arena *arena, SourceRange *where) {
    DecodingInfo info = decoding_info(answer->decoding);
    *where = answer->where;
    if (graph->input_count != 1 || graph->inputs[0].value->type.rank != 4)
        return arena_format(arena,
            "%s is for networks with one input, [batch, channels, height, width]", info.name);
    const char *fault = stride_fault(graph, answer, arena);
    if (fault == NULL)
        fault = anchor_fault(answer, arena);
    for (int i = 0; fault == NULL && i < info.part_count; i++) {
        fault = part_fault(graph, answer, i, arena);
        if (fault != NULL && answer->parts[i].count > 0)
            *where = answer->parts[i].where;
    }
    return fault;
}

/* ---- text ---- */

/* , strides = [8, 16]; nothing where there are none. */
static void print_integers(const char *name, const int64_t *numbers, int count, Text *text) {
    for (int i = 0; i < count; i++) {
        if (i == 0)
            text_format(text, ", %s = [", name);
        text_format(text, i == 0 ? "%" PRId64 : ", %" PRId64, numbers[i]);
    }
    text_append(text, count > 0 ? "]" : "");
}

/* answer faces = exp_boxes(classes = [cls_8, cls_16], ..., strides = [8, 16]) */
void answer_print(const Graph *graph, Text *text) {
    const GraphAnswer *answer = graph->answer;
    DecodingInfo info = decoding_info(answer->decoding);
    const char *before = "";
    text_format(text, "  answer %s = %s(", answer->name, info.name);
    for (int i = 0; i < info.part_count; i++) {
        const AnswerPart *part = &answer->parts[i];
        if (part->count == 0)
            continue;
        text_format(text, "%s%s = [", before, info.parts[i].name);
        for (int k = 0; k < part->count; k++)
            text_format(text, k > 0 ? ", %s" : "%s", graph->outputs[part->outputs[k]].name);
        text_append(text, "]");
        before = ", ";
    }
    print_integers("strides", answer->strides, answer->stride_count, text);
    print_integers("anchors", answer->anchors, answer->anchor_numbers, text);
    text_append(text, ")\n");
}
