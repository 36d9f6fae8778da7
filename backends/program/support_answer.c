/* What support code knows of answers: where the numbers are in the outputs. */
#include "backends/program/support.h"
#include "ir/answer.h"
#include "ir/labels.h"
#include "runtime/support/box_layout.h"
#include "runtime/support/top_numbers.h"

#include <string.h>

/* Of the part with that name, where the decoding has one and it was given. */
int support_answer_landmarks(const Graph *graph) {
    const GraphAnswer *answer = graph->answer;
    DecodingInfo info = decoding_info(answer->decoding);
    for (int i = 0; i < info.part_count; i++)
        if (strcmp(info.parts[i].name, "landmarks") == 0 && answer->parts[i].count > 0)
            return (int)answer_channels(graph, &answer->parts[i]) / 2;
    return 0;
}

/* Of `anchors` boxes for each cell the one at `anchor`. */
static void set_part(
    const GraphOutput *output, int index, int anchor, int anchors, int32_t *numbers) {
    const TensorType *type = &output->value->type;
    bool is_list = type->rank == 3;
    int64_t channels = is_list ? type->dims[2] : type->dims[1];
    int64_t cells = is_list ? type->dims[1] : type->dims[2] * type->dims[3];
    bool channels_last = is_list || output->layout == LAYOUT_NHWC;
    numbers[RIFFLE_PART_OUTPUT] = index;
    numbers[RIFFLE_PART_FIRST_CHANNEL] = (int32_t)(channels / anchors * anchor);
    numbers[RIFFLE_PART_CHANNELS] = (int32_t)(channels / anchors);
    numbers[RIFFLE_PART_CELL_STEP] = (int32_t)(channels_last ? channels : 1);
    numbers[RIFFLE_PART_CHANNEL_STEP] = (int32_t)(channels_last ? 1 : cells);
}

/* Levels are the anchors of one stride after the other. */
static void set_level(const Graph *graph, int level, int32_t *numbers) {
    const GraphAnswer *answer = graph->answer;
    int anchors = answer_anchors(answer), index = level / anchors;
    const TensorType *input = &graph->inputs[0].value->type;
    const TensorType *map = &graph->outputs[answer->parts[0].outputs[0]].value->type;
    int64_t rows = map->rank == 4 ? map->dims[2] : 1, columns = map->dims[map->rank - 1];
    if (answer->stride_count > 0) {
        rows = input->dims[2] / answer->strides[index];
        columns = input->dims[3] / answer->strides[index];
    } else if (map->rank == 3) {
        columns = map->dims[1];
    }
    numbers[RIFFLE_LEVEL_ROWS] = (int32_t)rows;
    numbers[RIFFLE_LEVEL_COLUMNS] = (int32_t)columns;
    if (answer->anchor_numbers > 0) {
        numbers[RIFFLE_LEVEL_ANCHOR_WIDTH] = (int32_t)answer->anchors[2 * level];
        numbers[RIFFLE_LEVEL_ANCHOR_HEIGHT] = (int32_t)answer->anchors[2 * level + 1];
    }
    for (int i = 0; i < MOST_ANSWER_PARTS; i++) {
        int32_t *part = numbers + RIFFLE_LEVEL_NUMBERS + i * RIFFLE_PART_NUMBERS;
        int output = answer->parts[i].outputs[index];
        part[RIFFLE_PART_OUTPUT] = -1;
        if (answer->parts[i].count > 0)
            set_part(&graph->outputs[output], output, level % anchors, anchors, part);
    }
}

SupportConstants support_answer_constants(const Graph *graph, Arena *arena) {
    _Static_assert((int)MOST_ANSWER_PARTS == (int)RIFFLE_LEVEL_PARTS, "parts of a level");
    enum { OF_LEVEL = RIFFLE_LEVEL_NUMBERS + RIFFLE_LEVEL_PARTS * RIFFLE_PART_NUMBERS };
    const GraphAnswer *answer = graph->answer;
    const TensorType *input = &graph->inputs[0].value->type;
    int levels = answer->parts[0].count * answer_anchors(answer),
        count = RIFFLE_BOXES_NUMBERS + levels * OF_LEVEL;
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, count);
    numbers[RIFFLE_BOXES_DECODING] = (int32_t)answer->decoding;
    numbers[RIFFLE_BOXES_HEIGHT] = (int32_t)input->dims[2];
    numbers[RIFFLE_BOXES_WIDTH] = (int32_t)input->dims[3];
    numbers[RIFFLE_BOXES_LEVELS] = levels;
    numbers[RIFFLE_BOXES_LANDMARKS] = support_answer_landmarks(graph);
    for (int i = 0; i < levels; i++) {
        int32_t *level = numbers + RIFFLE_BOXES_NUMBERS + i * OF_LEVEL;
        set_level(graph, i, level);
        numbers[RIFFLE_BOXES_CELLS] += level[RIFFLE_LEVEL_ROWS] * level[RIFFLE_LEVEL_COLUMNS];
    }
    return support_numbers(numbers, count);
}

/* ---- classes ---- */

SupportConstants support_class_constants(const GraphOutput *output, Arena *arena) {
    const Node *producer = output->value->producer;
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, RIFFLE_TOP_NUMBERS);
    numbers[RIFFLE_TOP_CLASSES] = (int32_t)output->value->type.dims[1];
    numbers[RIFFLE_TOP_ARE_PROBABILITIES] = producer != NULL && producer->op == OP_softmax;
    return support_numbers(numbers, RIFFLE_TOP_NUMBERS);
}

SupportConstants support_label_constants(const Graph *graph, Arena *arena) {
    const GraphLabels *labels = graph->labels;
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, labels->count + 1);
    size_t length = 0;
    numbers[0] = labels->count;
    for (int i = 0; i < labels->count; i++) {
        numbers[1 + i] = (int32_t)length;
        length += strlen(labels->names[i]) + 1;
    }
    char *text = ARENA_ARRAY(arena, char, length);
    for (int i = 0; i < labels->count; i++)
        strcpy(text + numbers[1 + i], labels->names[i]);
    SupportConstants constants = support_numbers(numbers, labels->count + 1);
    constants.text = text;
    constants.text_length = (int)length;
    return constants;
}
