#include "passes/rewrite.h"
#include "ir/index_map.h"
#include "ir/reduction.h"

#include <assert.h>
#include <math.h>
#include <string.h>

bool pass_has_numbers(PassContext *context) {
    for (const Weight *weight = context->graph->first_weight; weight; weight = weight->next)
        if (weight->data == NULL) {
            diagnostics_report(context->diagnostics, SEVERITY_ERROR, weight->where,
                "load weights, or make random ones", "the pass %s needs the numbers of '%s'",
                context->step->pass->name, weight->path);
            return false;
        }
    return true;
}

bool used_once(const Graph *graph, const Value *value) {
    return graph_use_count(graph, value) == 1;
}

void replace_node(Graph *graph, Node *node, Value *replacement) {
    assert(node->result_count == 1);
    Value *result = node->results[0];
    if (replacement->name == NULL)
        replacement->name = result->name;
    graph_replace_uses(graph, result, replacement);
    graph_remove(graph, node);
}

bool is_unused(const Graph *graph, const Node *node) {
    for (int i = 0; i < node->result_count; i++)
        if (graph_use_count(graph, node->results[i]) > 0)
            return false;
    return node->previous != NULL || graph->first == node; /* else it is unlinked already */
}

void remove_unused(Graph *graph, const Value *value) {
    while (value->producer != NULL && is_unused(graph, value->producer)) {
        graph_remove(graph, value->producer);
        if (value->producer->operand_count != 1)
            return;
        value = value->producer->operands[0];
    }
}

const char *weight_stem(Graph *graph, const Node *node) {
    if (node->path[0] != '\0')
        return node->path;
    if (node->weights[0] == NULL)
        return op_info(node->op)->name;
    const char *path = node->weights[0]->path, *dot = strrchr(path, '.');
    return dot == NULL ? path : arena_copy_bytes(graph->arena, path, (size_t)(dot - path));
}

Node *insert_node(Graph *graph, Node *position, OpKind op, const char *path, Value *const *operands,
    int operand_count, PrepareNode *prepare, const void *context) {
    Node *node = node_create(graph, op, path, operands, operand_count, position->where);
    if (prepare != NULL)
        prepare(graph, node, context);
    Diagnostics *diagnostics = diagnostics_create();
    bool inferred = node_infer(graph, node, diagnostics);
    if (!inferred)
        diagnostics_print(diagnostics, stderr);
    assert(inferred && "a pass made a node that does not infer");
    (void)inferred;
    diagnostics_destroy(diagnostics);
    graph_insert_before(graph, position, node);
    return node;
}

void copy_attributes(Graph *graph, Node *node, const void *context) {
    node_copy_attributes(graph, node, context);
}

void set_rearrangement(Graph *graph, Node *node, const void *context) {
    node_set_rearrangement(graph, node, context);
}

bool is_activation(const Node *node) {
    return op_computes_elements(node->op) && node->operand_count == 1;
}

const char *activation_attribute(const Node *node) {
    switch (node->op) {
    case OP_conv:
        return node->operand_count == 2 ? "residual_activation" : "activation";
    case OP_linear:
    case OP_conv_transpose:
    case OP_add:
    case OP_multiply:
        return "activation";
    default:
        return NULL;
    }
}

const char *free_activation_attribute(const Node *node) {
    const char *attribute = activation_attribute(node);
    if (attribute == NULL || node_formula_attribute(node, attribute) != NULL)
        return NULL;
    return attribute;
}

/* ---- ranges ---- */

static const Range anything = {-INFINITY, INFINITY};

/* What formulas give for anything, and zeros of a padding besides. */
static Range with_zero(Range range) {
    return (Range){fmin(range.low, 0), fmax(range.high, 0)};
}

static Range element_range(const Node *node) {
    Range operands[MOST_FORMULA_OPERANDS];
    for (int i = 0; i < MOST_FORMULA_OPERANDS; i++)
        operands[i] = anything;
    Arena *scratch = arena_create();
    Range range = formula_range(node_formula(node, scratch), operands);
    arena_destroy(scratch);
    return with_zero(range);
}

static Range reduced_range(const Node *node, Range x) {
    const Reduction *reduction = node_reduction(node);
    if (reduction->term == TERM_ABSOLUTE || reduction->term == TERM_SQUARE)
        return (Range){0, INFINITY};
    bool stays = reduction->combine == COMBINE_MAXIMUM || reduction->finish == FINISH_MEAN;
    return stays ? x : anything;
}

static Range range_at(const Value *value, int *budget) {
    const Node *node = value->producer;
    if (node == NULL || --*budget < 0)
        return anything;
    if (op_computes_elements(node->op))
        return element_range(node);
    const char *attribute = activation_attribute(node);
    if (attribute != NULL)
        return with_zero(formula_range(node_formula_attribute(node, attribute), &anything));
    switch (node->op) {
    case OP_softmax:
        return (Range){0, 1};
    case OP_reduce:
        return reduced_range(node, range_at(node->operands[0], budget));
    case OP_concat:
    case OP_split:
    case OP_shuffle:
    case OP_gather:
    case OP_route:
    case OP_rearrange:
    case OP_slice:
    case OP_join:
    case OP_pad:
    case OP_crop:
    case OP_max_pool:
    case OP_avg_pool:
    case OP_global_avg_pool:
    case OP_resize:
    case OP_take:
    case OP_flatten:
    case OP_unflatten: {
        Range range = range_at(node->operands[0], budget);
        for (int i = 1; i < node->operand_count; i++) {
            Range other = range_at(node->operands[i], budget);
            range = (Range){fmin(range.low, other.low), fmax(range.high, other.high)};
        }
        if (node->op == OP_pad) {
            double number = node_number(node, "value");
            range = (Range){fmin(range.low, number), fmax(range.high, number)};
        }
        return range; /* all ranges hold 0 */
    }
    default:
        return anything;
    }
}

Range value_range(const Value *value) {
    int budget = 64; /* values looked at: enough for any real tree, and keeps hostile ones cheap */
    return range_at(value, &budget);
}

bool activation_keeps(const Node *activation, const Value *value) {
    Arena *scratch = arena_create();
    bool kept = formula_keeps(node_formula(activation, scratch), value_range(value));
    arena_destroy(scratch);
    return kept;
}
