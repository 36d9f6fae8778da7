/* The interpreter: node by node, values from their first use to their last. It is the oracle of all
 * tests. */
#include "ir/ending.h"
#include "ir/interpret_graph.h"
#include "ir/progress.h"

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

InterpretFunction *interpret_function(OpKind op) {
    return interpret_functions[op];
}

typedef struct Interpreter {
    const Graph *graph;
    const InterpretWay *way;
    Arena *arena;    /* of the whole run */
    Stored **values; /* by value id: malloc'ed, freed after the last use */
    int *uses_left;  /* by value id */
} Interpreter;

static Stored *value_allocate(Interpreter *interpreter, const Value *value) {
    size_t bytes = (size_t)tensor_elements(&value->type) * sizeof(Stored);
    Stored *data = allocate_or_end(bytes);
    interpreter->values[value->id] = data;
    return data;
}

static void value_release(Interpreter *interpreter, const Value *value) {
    if (interpreter->uses_left[value->id] > 0)
        return;
    free(interpreter->values[value->id]);
    interpreter->values[value->id] = NULL;
}

/* Between the caller's layout and NCHW. */
static void convert_layout(
    const TensorType *type, Layout from, Layout to, const Stored *source, Stored *target) {
    if (from == to || type->rank != 4) {
        memcpy(target, source, (size_t)tensor_elements(type) * sizeof(Stored));
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

static void run_node(Interpreter *interpreter, const Node *node) {
    Arena *scratch = arena_create();
    const Stored **operands = ARENA_ARRAY(scratch, const Stored *, node->operand_count);
    Stored **results = ARENA_ARRAY(scratch, Stored *, node->result_count);
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = interpreter->values[node->operands[i]->id];
    for (int i = 0; i < node->result_count; i++)
        results[i] = value_allocate(interpreter, node->results[i]);
    interpreter->way->run_node(interpreter->way->context, node, operands, results, scratch);
    node_rest_weights(node);
    arena_destroy(scratch);
    for (int i = 0; i < node->operand_count; i++) {
        interpreter->uses_left[node->operands[i]->id]--;
        value_release(interpreter, node->operands[i]);
    }
    for (int i = 0; i < node->result_count; i++)
        value_release(interpreter, node->results[i]);
}

static void run_nodes(Interpreter *interpreter) {
    int work = progress_begin("interpreting layer", graph_node_count(interpreter->graph));
    int64_t index = 0;
    for (const Node *node = interpreter->graph->first; node != NULL; node = node->next) {
        progress_set(++index);
        run_node(interpreter, node);
    }
    progress_end(work);
}

static void run_graph(
    Interpreter *interpreter, const Stored *const *inputs, Stored *const *outputs) {
    const Graph *graph = interpreter->graph;
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        Stored *data = value_allocate(interpreter, input->value);
        const TensorType *type = &input->value->type;
        Arena *scratch = arena_create();
        convert_layout(type, input->layout, LAYOUT_NCHW,
            interpreter->way->read_input(type, inputs[i], scratch), data);
        arena_destroy(scratch);
    }
    run_nodes(interpreter);
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        convert_layout(&output->value->type, LAYOUT_NCHW, output->layout,
            interpreter->values[output->value->id], outputs[i]);
    }
}

void interpret_graph(const Graph *graph, const InterpretWay *way, const Stored *const *inputs,
    Stored *const *outputs) {
    Interpreter interpreter = {.graph = graph, .way = way, .arena = arena_create()};
    interpreter.values = ARENA_ARRAY(interpreter.arena, Stored *, graph->next_value_id);
    /* An output counts as a use, so its value stays to the end. */
    interpreter.uses_left = graph_use_counts(graph, interpreter.arena);
    run_graph(&interpreter, inputs, outputs);
    for (int id = 0; id < graph->next_value_id; id++)
        free(interpreter.values[id]);
    arena_destroy(interpreter.arena);
}
