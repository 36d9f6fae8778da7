/* What the outputs of the network mean: answer faces = exp_boxes(classes, objects, boxes, strides =
 * [8, 16, 32]). */
#include "frontend/evaluate.h"
#include "ir/answer.h"

#include <string.h>

static Decoding read_decoding(Evaluator *evaluator, const SpecExpression *expression) {
    Decoding decoding = decoding_find(expression->name);
    if (decoding < DECODING_COUNT) {
        return decoding;
    }
    const char *nearest = closest_word(expression->name, decoding_names(), DECODING_COUNT);
    complain(evaluator, expression->name_where,
        nearest ? arena_format(evaluator->arena, "did you mean '%s'?", nearest)
                : "docs/language.md lists them",
        "there is no decoding '%s'", expression->name);
    return decoding;
}

/* The output of that name, or of that tensor; -1 when there is none. */
static int find_output(const Graph *graph, Datum datum) {
    int index = graph->output_count - 1;
    while (index >= 0 &&
           (datum.kind == DATUM_STRING ? strcmp(graph->outputs[index].name, datum.string) != 0
                                       : graph->outputs[index].value != datum.tensor)) {
        index--;
    }
    return index;
}

/* One tensor or name of an output, or a list with one for each stride. */
static bool read_part(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, AnswerPart *part) {
    Datum value = argument->value;
    const Datum *items = value.kind == DATUM_LIST ? value.items : &value;
    int count = value.kind == DATUM_LIST ? value.count : 1;
    part->where = argument->where;
    for (int i = 0; i < count; i++) {
        if (items[i].kind != DATUM_TENSOR && items[i].kind != DATUM_STRING) {
            complain(evaluator, argument->where, NULL,
                "'%s' of %s is an output's tensor or name, or a list of such, not %s", name,
                call->name, datum_describe(value, evaluator->arena));
            return false;
        }
        int output = find_output(evaluator->graph, items[i]);
        if (output < 0 || i == MOST_ANSWER_STRIDES) {
            complain(evaluator, argument->where,
                output < 0 ? "write 'output NAME = ...' for it, before the answer" : NULL,
                output < 0 ? "'%s' of %s is no output of the network"
                           : "'%s' of %s has too many outputs",
                name, call->name);
            return false;
        }
        part->outputs[part->count++] = output;
    }
    return true;
}

/* A list of whole numbers, in the place `position`; true without one. */
static bool read_numbers(Evaluator *evaluator, Call *call, const char *name, int position,
    int64_t *numbers, int most, int *count) {
    IntegerList list;
    const CallArgument *argument = find_argument(call, name, position);
    if (!argument) {
        return true;
    }
    if (!argument_integers(evaluator, call, argument, name, 1, &list)) {
        return false;
    }
    if (list.count > (size_t)most) {
        complain(evaluator, argument->where, NULL, "'%s' of %s has more than %d numbers", name,
            call->name, most);
        return false;
    }
    *count = (int)list.count;
    for (size_t i = 0; i < list.count; i++) {
        numbers[i] = list.items[i];
    }
    return true;
}

static bool read_answer(Evaluator *evaluator, Call *call, GraphAnswer *answer) {
    DecodingInfo info = decoding_info(answer->decoding);
    const char *known[MOST_ANSWER_PARTS + 3] = {0};
    bool good = true;
    for (int i = 0; i < info.part_count; i++) {
        known[i] = info.parts[i].name;
        const CallArgument *argument = find_argument(call, known[i], i);
        good = (!argument || read_part(evaluator, call, argument, known[i], &answer->parts[i])) &&
               good;
    }
    int position = info.part_count;
    if (decoding_has_strides(&info)) {
        known[position] = "strides";
        good = read_numbers(evaluator, call, "strides", position, answer->strides,
                   MOST_ANSWER_STRIDES, &answer->stride_count) &&
               good;
        position++;
    }
    if (info.cells == CELLS_BY_ANCHOR) {
        known[position] = "anchors";
        good = read_numbers(evaluator, call, "anchors", position, answer->anchors,
                   2 * MOST_ANSWER_ANCHORS, &answer->anchor_numbers) &&
               good;
    }
    check_unused(evaluator, call, known);
    return good;
}

/* Shapes are checked when the whole graph is (answer_fault). */
void declare_answer(Evaluator *evaluator, const SpecStatement *statement) {
    Call call;
    if (!check_declaration(evaluator, statement)) {
        return;
    }
    if (evaluator->graph->answer) {
        complain(evaluator, statement->where, NULL, "the network has the answer '%s' already",
            evaluator->graph->answer->name);
        return;
    }
    GraphAnswer answer = {.name = statement->name, .where = statement->value->where};
    answer.decoding = read_decoding(evaluator, statement->value);
    if (answer.decoding == DECODING_COUNT ||
        !evaluate_arguments(evaluator, statement->value, NULL, &call)) {
        return;
    }
    for (int i = 0; i < call.count; i++) {
        if (call.arguments[i].value.kind == DATUM_UNKNOWN) {
            return;
        }
    }
    if (read_answer(evaluator, &call, &answer)) {
        graph_set_answer(evaluator->graph, &answer);
        name_map_put(evaluator->interface_names, statement->name, evaluator->graph->answer);
    }
}
