/* The interpreter: what each op means, in double precision. It is the oracle of all tests. */
#include "ir/interpret.h"
#include "ir/bf16.h"
#include "ir/f16.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static InterpretFunction *const interpret_functions[OP_COUNT] = {
    [OP_conv] = interpret_conv,
    [OP_conv_transpose] = interpret_conv_transpose,
    [OP_batch_norm] = interpret_batch_norm,
    [OP_bias] = interpret_bias,
#define ELEMENT(name, ...) [OP_##name] = interpret_elements,
#include "ir/elements.def"
    [OP_map] = interpret_elements,
    [OP_pixels] = interpret_pixels,
    [OP_constant] = interpret_constant,
    [OP_concat] = interpret_concat,
    [OP_split] = interpret_split,
    [OP_shuffle] = interpret_shuffle,
    [OP_gather] = interpret_gather,
    [OP_route] = interpret_route,
    [OP_rearrange] = interpret_rearrange,
    [OP_slice] = interpret_slice,
    [OP_join] = interpret_join,
    [OP_pad] = interpret_pad,
    [OP_crop] = interpret_crop,
    [OP_resize] = interpret_sampled,
    [OP_take] = interpret_sampled,
    [OP_max_pool] = interpret_max_pool,
    [OP_avg_pool] = interpret_avg_pool,
    [OP_global_avg_pool] = interpret_global_avg_pool,
    [OP_flatten] = interpret_flatten,
    [OP_unflatten] = interpret_flatten,
    [OP_linear] = interpret_linear,
    [OP_range] = interpret_range,
    [OP_quantize] = interpret_quantize,
    [OP_quantized_conv] = interpret_quantized_conv,
    [OP_quantized_linear] = interpret_quantized_linear,
    [OP_softmax] = interpret_softmax,
    [OP_log_softmax] = interpret_softmax,
    [OP_reduce] = interpret_reduce,
    [OP_arg_max] = interpret_arg_max,
    [OP_local_response_norm] = interpret_local_response_norm,
};

typedef struct Interpreter {
    const Graph *graph;
    Diagnostics *diagnostics;
    Arena *arena;   /* of the whole run */
    float **values; /* by value id: malloc'ed, freed after the last use */
    int *uses_left; /* by value id */
} Interpreter;

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

static float *value_allocate(Interpreter *interpreter, const Value *value) {
    size_t bytes = (size_t)tensor_elements(&value->type) * sizeof(float);
    float *data = malloc(bytes);
    interpreter->values[value->id] = data;
    if (data == NULL)
        diagnostics_report(interpreter->diagnostics, SEVERITY_ERROR, value->where, NULL,
            "out of memory: a value of %zu bytes cannot be held", bytes);
    return data;
}

static void value_release(Interpreter *interpreter, const Value *value) {
    if (interpreter->uses_left[value->id] > 0)
        return;
    free(interpreter->values[value->id]);
    interpreter->values[value->id] = NULL;
}

/* Bytes as the caller has them, as numbers. */
static const float *widen_bytes(const TensorType *type, const void *bytes, Arena *scratch) {
    const unsigned char *source = bytes;
    int64_t count = tensor_elements(type);
    float *numbers = ARENA_ARRAY(scratch, float, count);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = source[i];
    return numbers;
}

/* Between the caller's layout and NCHW. */
static void convert_layout(
    const TensorType *type, Layout from, Layout to, const float *source, float *target) {
    if (from == to || type->rank != 4) {
        memcpy(target, source, (size_t)tensor_elements(type) * sizeof(float));
        return;
    }
    int64_t plane = plane_size(type), channels = type->dims[1];
    for (int64_t n = 0; n < type->dims[0]; n++) {
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t i = 0; i < plane; i++) {
                int64_t planar = (n * channels + c) * plane + i;
                int64_t last = (n * plane + i) * channels + c;
                if (from == LAYOUT_NHWC)
                    target[planar] = source[last];
                else
                    target[last] = source[planar];
            }
        }
    }
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

/* A layer with weights of f16 rounds floats that it reads. */
static const float *const *round_operand(
    const Node *node, const float *const *operands, Arena *scratch) {
    if ((node->op != OP_conv && node->op != OP_linear) ||
        node->weights[0]->type.element != ELEMENT_F16 ||
        node->operands[0]->type.element != ELEMENT_F32)
        return operands;
    int64_t count = tensor_elements(&node->operands[0]->type);
    const float **rounded = ARENA_ARRAY(scratch, const float *, node->operand_count);
    float *numbers = ARENA_ARRAY(scratch, float, count);
    memcpy(rounded, operands, (size_t)node->operand_count * sizeof *rounded);
    round_numbers(numbers, operands[0], count, ELEMENT_F16);
    rounded[0] = numbers;
    return rounded;
}

static void interpret_node(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    Node rounded = *node;
    assert(interpret_functions[node->op] != NULL);
    operands = round_operand(node, operands, scratch);
    round_weights(&rounded, scratch);
    interpret_functions[node->op](&rounded, operands, results, scratch);
    for (int i = 0; i < node->result_count; i++)
        if (is_rounded(node->results[i]->type.element))
            round_numbers(results[i], results[i], tensor_elements(&node->results[i]->type),
                node->results[i]->type.element);
}

static bool run_node(Interpreter *interpreter, const Node *node, InterpretObserver *observer,
    void *observer_context) {
    Arena *scratch = arena_create();
    const float **operands = ARENA_ARRAY(scratch, const float *, node->operand_count);
    float **results = ARENA_ARRAY(scratch, float *, node->result_count);
    bool done = true;
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = interpreter->values[node->operands[i]->id];
    for (int i = 0; i < node->result_count && done; i++) {
        results[i] = value_allocate(interpreter, node->results[i]);
        done = results[i] != NULL;
    }
    if (done) {
        interpret_node(node, operands, results, scratch);
        if (observer != NULL)
            observer(observer_context, node, results);
    }
    node_rest_weights(node);
    arena_destroy(scratch);
    for (int i = 0; i < node->operand_count; i++) {
        interpreter->uses_left[node->operands[i]->id]--;
        value_release(interpreter, node->operands[i]);
    }
    for (int i = 0; i < node->result_count; i++)
        value_release(interpreter, node->results[i]);
    return done;
}

static bool run_graph(Interpreter *interpreter, const float *const *inputs, float *const *outputs,
    InterpretObserver *observer, void *observer_context) {
    const Graph *graph = interpreter->graph;
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        float *data = value_allocate(interpreter, input->value);
        if (data == NULL)
            return false;
        const TensorType *type = &input->value->type;
        Arena *scratch = arena_create();
        convert_layout(type, input->layout, LAYOUT_NCHW,
            type->element == ELEMENT_U8 ? widen_bytes(type, inputs[i], scratch) : inputs[i], data);
        arena_destroy(scratch);
    }
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        if (!run_node(interpreter, node, observer, observer_context))
            return false;
    }
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        convert_layout(&output->value->type, LAYOUT_NCHW, output->layout,
            interpreter->values[output->value->id], outputs[i]);
    }
    return true;
}

bool graph_interpret(const Graph *graph, const float *const *inputs, float *const *outputs,
    InterpretObserver *observer, void *observer_context, Diagnostics *diagnostics) {
    if (!weights_present(graph, diagnostics))
        return false;
    Interpreter interpreter = {.graph = graph, .diagnostics = diagnostics, .arena = arena_create()};
    interpreter.values = ARENA_ARRAY(interpreter.arena, float *, graph->next_value_id);
    /* An output counts as a use, so its value stays to the end. */
    interpreter.uses_left = graph_use_counts(graph, interpreter.arena);
    bool done = run_graph(&interpreter, inputs, outputs, observer, observer_context);
    for (int id = 0; id < graph->next_value_id; id++)
        free(interpreter.values[id]);
    arena_destroy(interpreter.arena);
    return done;
}
