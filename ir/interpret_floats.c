/* Runs of graphs on floats: each op accumulates in double. */
#include "ir/bf16.h"
#include "ir/f16.h"
#include "ir/interpret_graph.h"

#include <assert.h>
#include <string.h>

typedef struct Watched {
    InterpretObserver *observer; /* or NULL */
    void *context;
} Watched;

static bool weights_present(const Graph *graph, Diagnostics *diagnostics) {
    bool present = true;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
            const Weight *weight = node->weights[i];
            if (weight == NULL || weight->data != NULL)
                continue;
            diagnostics_report(diagnostics, SEVERITY_ERROR, weight->where,
                "load weights, or make random ones", "the weight '%s' has no data", weight->path);
            present = false;
        }
    }
    return present;
}

/* Bytes as the caller has them, as numbers. */
static const float *read_input(const TensorType *type, const float *given, Arena *scratch) {
    if (type->element != ELEMENT_U8)
        return given;
    const unsigned char *source = (const unsigned char *)given;
    int64_t count = tensor_elements(type);
    float *numbers = ARENA_ARRAY(scratch, float, count);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = source[i];
    return numbers;
}

/* ---- bf16 and f16: what is of such a type is rounded to it when it is stored ---- */

static bool is_rounded(ElementType element) {
    return element == ELEMENT_BF16 || element == ELEMENT_F16;
}

static void round_numbers(float *to, const float *from, int64_t count, ElementType element) {
    for (int64_t i = 0; i < count; i++)
        to[i] = element == ELEMENT_BF16 ? bf16_round(from[i]) : f16_round(from[i]);
}

static void round_weights(Node *node, Arena *scratch) {
    for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
        const Weight *weight = node->weights[i];
        if (weight == NULL || !is_rounded(weight->type.element))
            continue;
        int64_t count = tensor_elements(&weight->type);
        float *numbers = ARENA_ARRAY(scratch, float, count);
        Weight *rounded = ARENA_NEW(scratch, Weight);
        round_numbers(numbers, weight->data, count, weight->type.element);
        *rounded = *weight;
        rounded->data = numbers;
        rounded->rests = false;
        node->weights[i] = rounded;
    }
}

/* A layer with weights of f16 rounds floats that it reads, or says that it does not. */
static const float *const *round_operand(
    const Node *node, const float *const *operands, Arena *scratch) {
    if ((node->op != OP_conv && node->op != OP_linear) ||
        node->weights[0]->type.element != ELEMENT_F16 ||
        node->operands[0]->type.element != ELEMENT_F32 || !node_flag(node, "rounds"))
        return operands;
    int64_t count = tensor_elements(&node->operands[0]->type);
    const float **rounded = ARENA_ARRAY(scratch, const float *, node->operand_count);
    float *numbers = ARENA_ARRAY(scratch, float, count);
    memcpy(rounded, operands, (size_t)node->operand_count * sizeof *rounded);
    round_numbers(numbers, operands[0], count, ELEMENT_F16);
    rounded[0] = numbers;
    return rounded;
}

static void run_node(void *context, const Node *node, const float *const *operands,
    float *const *results, Arena *scratch) {
    Node rounded = *node;
    operands = round_operand(node, operands, scratch);
    round_weights(&rounded, scratch);
    interpret_function(node->op)(&rounded, operands, results, scratch);
    for (int i = 0; i < node->result_count; i++)
        if (is_rounded(node->results[i]->type.element))
            round_numbers(results[i], results[i], tensor_elements(&node->results[i]->type),
                node->results[i]->type.element);
    const Watched *watched = context;
    if (watched->observer != NULL)
        watched->observer(watched->context, node, results);
}

bool graph_interpret(const Graph *graph, const float *const *inputs, float *const *outputs,
    InterpretObserver *observer, void *observer_context, Diagnostics *diagnostics) {
    Watched watched = {observer, observer_context};
    const InterpretWay way = {&watched, run_node, read_input};
    if (!weights_present(graph, diagnostics))
        return false;
    interpret_graph(graph, &way, inputs, outputs);
    return true;
}
