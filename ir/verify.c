/* The verifier: what every graph must satisfy between passes. Reports all faults that it can see.
 */
#include "ir/answer.h"
#include "ir/labels.h"
#include "ir/name_map.h"
#include "ir/names.h"

#include <math.h>
#include <string.h>

typedef struct Verification {
    const Graph *graph;
    Diagnostics *diagnostics;
    Arena *scratch;
    const Value **defined; /* by value id; NULL until its definition was seen */
} Verification;

/* "conv 'stage2.0.branch1.0'" */
static const char *node_title(Verification *verification, const Node *node) {
    const char *name = op_info(node->op)->name;
    return node->path[0] == '\0' ? name
                                 : arena_format(verification->scratch, "%s '%s'", name, node->path);
}

#define FAULT(verification, where, ...)                                                            \
    diagnostics_report((verification)->diagnostics, SEVERITY_ERROR, (where), NULL, __VA_ARGS__)

static void define_value(Verification *verification, const Value *value, const char *definer) {
    if (value->id < 0 || value->id >= verification->graph->next_value_id)
        FAULT(verification, value->where, "a value of %s has id %d, which is out of range", definer,
            value->id);
    else if (verification->defined[value->id] != NULL)
        FAULT(verification, value->where, "a value of %s has id %d, which another value has too",
            definer, value->id);
    else
        verification->defined[value->id] = value;
}

static bool is_defined(const Verification *verification, const Value *value) {
    return value->id >= 0 && value->id < verification->graph->next_value_id &&
           verification->defined[value->id] == value;
}

static void verify_preprocessing(Verification *verification, const GraphInput *input) {
    const Preprocessing *pixels = &input->preprocessing;
    SourceRange where = input->value->where;
    const char *name = input->value->name;
    int channels = preprocessing_channels(&input->value->type);
    if (input->value->type.rank != 4 || channels != input->value->type.dims[1]) {
        FAULT(verification, where,
            "input '%s' has preprocessing, but %s is no image of at most 4 channels", name,
            tensor_type_spelling(&input->value->type, verification->scratch));
        return;
    }
    if (!isfinite(pixels->scale))
        FAULT(verification, where, "input '%s': the scale must be finite", name);
    if (pixels->resize < 0)
        FAULT(verification, where, "input '%s': resize must not be negative", name);
    if (pixels->resize > 0 && pixels->letterbox != LETTERBOX_NONE)
        FAULT(verification, where, "input '%s': there is no resize beside a letterbox", name);
    if (pixels->fill < 0 || pixels->fill > 255)
        FAULT(verification, where, "input '%s': fill must be a pixel of 0 to 255", name);
    for (int i = 0; i < channels; i++) {
        if (!isfinite(pixels->mean[i]) || !isfinite(pixels->std[i]) || pixels->std[i] == 0)
            FAULT(verification, where,
                "input '%s': mean must be finite, and std finite and not zero", name);
    }
}

static void verify_inputs(Verification *verification) {
    const Graph *graph = verification->graph;
    NameMap *names = name_map_create(verification->scratch);
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        const Value *value = input->value;
        if (value == NULL || value->name == NULL) {
            FAULT(verification, (SourceRange){0}, "input %d has no value or no name", i + 1);
            continue;
        }
        if (!is_identifier(value->name))
            FAULT(verification, value->where, "the input name '%s' is no identifier", value->name);
        if (name_map_find(names, value->name) != NULL)
            FAULT(verification, value->where, "two inputs are named '%s'", value->name);
        name_map_put(names, value->name, input->value);
        if (value->producer != NULL)
            FAULT(verification, value->where, "the input '%s' has a producer", value->name);
        bool is_bytes = value->type.element == ELEMENT_U8;
        if (is_bytes && (!input->has_preprocessing || input->layout != LAYOUT_NHWC))
            FAULT(verification, value->where,
                "input '%s' is of u8, but is no packed picture: nhwc, with pixels(...)",
                value->name);
        if (input->preprocessing.order >= PIXELS_RGBA &&
            (value->type.rank != 4 || value->type.dims[1] != 4))
            FAULT(verification, value->where,
                "input '%s' is pixels of %s, but has no four channels", value->name,
                pixel_order_name(input->preprocessing.order));
        if (!is_bytes && value->type.element != ELEMENT_F32)
            FAULT(verification, value->where, "input '%s' is %s: inputs are of f32", value->name,
                tensor_type_spelling(&value->type, verification->scratch));
        if (!rank_has_channels(value->type.rank) || tensor_elements(&value->type) < 0)
            FAULT(verification, value->where,
                "input '%s' is %s: it must be [n,c,h,w] or [n,c] with positive sizes and at most "
                "2^40 elements",
                value->name, tensor_type_spelling(&value->type, verification->scratch));
        else if (input->has_preprocessing)
            verify_preprocessing(verification, input);
        define_value(verification, value, "the inputs");
    }
}

static void verify_weights(Verification *verification) {
    const Graph *graph = verification->graph;
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next) {
        if (weight->path[0] == '\0')
            FAULT(verification, weight->where, "a weight has an empty path");
        if (weight->type.rank < 1 || weight->type.rank > MAX_RANK ||
            tensor_elements(&weight->type) < 0)
            FAULT(verification, weight->where,
                "weight '%s' is %s: sizes must be positive, and elements at most 2^40",
                weight->path, tensor_type_spelling(&weight->type, verification->scratch));
        if (weight->type.element == ELEMENT_U8)
            FAULT(verification, weight->where, "weight '%s' is %s: weights are of f32, bf16 or f16",
                weight->path, tensor_type_spelling(&weight->type, verification->scratch));
        if (graph_find_weight(graph, weight->path) != weight)
            FAULT(verification, weight->where, "two weights have the path '%s'", weight->path);
        if (weight->next == NULL && graph->last_weight != weight)
            FAULT(verification, weight->where, "last_weight is not the last weight");
    }
}

/* Returns whether the node's operands and weights can be looked at. */
static bool verify_uses(Verification *verification, const Node *node) {
    const OpInfo *info = op_info(node->op);
    bool sound = true;
    for (int i = 0; i < node->operand_count; i++) {
        const Value *operand = node->operands[i];
        if (operand == NULL) {
            FAULT(verification, node->where, "%s: operand %d is missing",
                node_title(verification, node), i + 1);
            sound = false;
        } else if (!is_defined(verification, operand)) {
            FAULT(verification, node->where, "%s: operand %d is used before it is defined",
                node_title(verification, node), i + 1);
        }
    }
    for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
        const Weight *weight = node->weights[i];
        if (weight == NULL)
            continue;
        if (i >= info->weight_count)
            FAULT(verification, node->where, "%s has more weights than its op takes",
                node_title(verification, node));
        else if (graph_find_weight(verification->graph, weight->path) != weight)
            FAULT(verification, node->where, "%s: the weight '%s' is not of this graph",
                node_title(verification, node), weight->path);
    }
    return sound;
}

static void verify_results(Verification *verification, const Node *node) {
    TensorType *types = ARENA_ARRAY(verification->scratch, TensorType, node->result_count);
    int count = 0;
    if (!node_result_types(node, types, node->result_count, &count, verification->diagnostics))
        return;
    if (count != node->result_count) {
        FAULT(verification, node->where, "%s has %d results, but %d are inferred",
            node_title(verification, node), node->result_count, count);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (node->results[i] != NULL && !tensor_type_equal(&types[i], &node->results[i]->type))
            FAULT(verification, node->where, "%s: result %d is %s, but %s is inferred",
                node_title(verification, node), i + 1,
                tensor_type_spelling(&node->results[i]->type, verification->scratch),
                tensor_type_spelling(&types[i], verification->scratch));
    }
}

static void verify_node(Verification *verification, const Node *node) {
    if (verify_uses(verification, node))
        verify_results(verification, node);
    for (int i = 0; i < node->result_count; i++) {
        const Value *result = node->results[i];
        if (result == NULL) {
            FAULT(verification, node->where, "%s: result %d is missing",
                node_title(verification, node), i + 1);
            continue;
        }
        if (result->producer != node)
            FAULT(verification, node->where, "%s: result %d names another producer",
                node_title(verification, node), i + 1);
        define_value(verification, result, node_title(verification, node));
    }
}

static void verify_nodes(Verification *verification) {
    const Graph *graph = verification->graph;
    const Node *before = NULL;
    for (const Node *node = graph->first; node != NULL; before = node, node = node->next) {
        if ((unsigned)node->op >= OP_COUNT) {
            FAULT(verification, node->where, "a node has the unknown op %d", (int)node->op);
            return;
        }
        if (node->previous != before) {
            FAULT(verification, node->where, "%s: the list of nodes is broken before it",
                node_title(verification, node));
            return;
        }
        verify_node(verification, node);
    }
    if (graph->last != before)
        FAULT(verification, (SourceRange){0}, "the list of nodes does not end with its last node");
}

static void verify_outputs(Verification *verification) {
    const Graph *graph = verification->graph;
    if (graph->output_count == 0)
        FAULT(verification, (SourceRange){0}, "the graph '%s' has no output", graph->name);
    NameMap *names = name_map_create(verification->scratch);
    for (int i = 0; i < graph->output_count; i++) {
        GraphOutput *output = &graph->outputs[i];
        if (!is_identifier(output->name))
            FAULT(
                verification, output->where, "the output name '%s' is no identifier", output->name);
        if (name_map_find(names, output->name) != NULL)
            FAULT(verification, output->where, "two outputs are named '%s'", output->name);
        name_map_put(names, output->name, output);
        if (output->value == NULL || !is_defined(verification, output->value))
            FAULT(verification, output->where, "the value of output '%s' is not defined",
                output->name);
        else if (output->value->type.element != ELEMENT_F32)
            FAULT(verification, output->where, "output '%s' is %s: outputs are of f32",
                output->name, tensor_type_spelling(&output->value->type, verification->scratch));
    }
}

static void verify_answer(Verification *verification) {
    const GraphAnswer *answer = verification->graph->answer;
    if (answer == NULL)
        return;
    if (!is_identifier(answer->name))
        FAULT(verification, answer->where, "the answer's name '%s' is no identifier", answer->name);
    SourceRange where;
    const char *fault = answer_fault(verification->graph, answer, verification->scratch, &where);
    if (fault != NULL)
        FAULT(verification, where, "%s", fault);
}

static void verify_labels(Verification *verification) {
    const GraphLabels *labels = verification->graph->labels;
    const char *fault =
        labels == NULL ? NULL : labels_fault(verification->graph, labels, verification->scratch);
    if (fault != NULL)
        FAULT(verification, labels->where, "%s", fault);
}

bool graph_verify(const Graph *graph, Diagnostics *diagnostics) {
    size_t errors_before = diagnostics_error_count(diagnostics);
    Verification verification = {
        .graph = graph, .diagnostics = diagnostics, .scratch = arena_create()};
    verification.defined = ARENA_ARRAY(verification.scratch, const Value *, graph->next_value_id);
    if (!is_identifier(graph->name))
        diagnostics_error(diagnostics, NULL, "the graph name '%s' is no identifier", graph->name);
    verify_inputs(&verification);
    verify_weights(&verification);
    verify_nodes(&verification);
    verify_outputs(&verification);
    if (diagnostics_error_count(diagnostics) == errors_before)
        verify_answer(&verification);
    if (diagnostics_error_count(diagnostics) == errors_before)
        verify_labels(&verification);
    arena_destroy(verification.scratch);
    return diagnostics_error_count(diagnostics) == errors_before;
}
