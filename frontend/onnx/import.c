/* The model as a whole: its nodes in order, its inputs and outputs. */
#include "frontend/onnx/import.h"
#include "frontend/evaluate.h"
#include "frontend/onnx/importer.h"
#include "frontend/onnx/inputs.h"
#include "frontend/onnx/order.h"
#include "frontend/onnx/read.h"
#include "frontend/onnx/selection.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool onnx_is_built_in(void) {
    return true;
}

/* ---- nodes ---- */

static bool is_known_attribute(const OnnxOp *op, const char *name) {
    size_t length = strlen(name);
    for (const char *at = op->attributes; *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word == length && strncmp(at, name, word) == 0)
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

/* What can be said about a node before its operands are known: so that one run tells all. */
static bool check_node(Importer *importer) {
    const Onnx__NodeProto *node = importer->node;
    const OnnxOp *op = onnx_op_of(node);
    if (op == NULL)
        return unknown_op(importer);
    bool good = node->n_input <= op->operands ||
                node_fault(importer, NULL, "it has %zu inputs; at most %zu are known of it",
                    node->n_input, op->operands);
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__AttributeProto *attribute = node->attribute[i];
        if (!is_known_attribute(op, attribute->name))
            good = node_fault(
                importer, NULL, "the attribute '%.100s' is not known of it", attribute->name);
        else if (good && attribute_find(importer, attribute->name) != attribute)
            good = node_fault(
                importer, NULL, "the attribute '%.100s' is there twice", attribute->name);
        else if (*attribute->ref_attr_name != '\0')
            good = node_fault(
                importer, NULL, "the attribute '%.100s' is that of a function", attribute->name);
    }
    return check_fixed_attributes(importer) && good;
}

typedef enum Operands {
    OPERANDS_MISSING,
    OPERANDS_BROKEN,
    OPERANDS_CONSTANT,
    OPERANDS_MIXED
} Operands;

static Operands look_at_operands(Importer *importer) {
    Operands result = OPERANDS_CONSTANT;
    bool missing = false, broken = false;
    for (size_t i = 0; i < importer->node->n_input; i++) {
        if (!has_operand(importer, i))
            continue;
        const Symbol *symbol = input_symbol(importer, i);
        if (symbol == NULL) {
            bool sparse = importer->proto->n_sparse_initializer > 0;
            node_fault(importer,
                sparse ? "the model has sparse initializers, which are not read: make them dense"
                       : NULL,
                "its input '%.200s' is no input, no initializer and no node's output",
                importer->node->input[i]);
            missing = true;
        } else if (symbol->kind == SYMBOL_BROKEN) {
            broken = true;
        } else if (symbol->kind == SYMBOL_TENSOR) {
            result = OPERANDS_MIXED;
        }
    }
    return missing ? OPERANDS_MISSING : broken ? OPERANDS_BROKEN : result;
}

/* What an op of the standard also results in and riffle does not make may be named, but not read.
 */
static bool check_results(Importer *importer) {
    for (size_t i = 0; i < importer->node->n_output; i++)
        if (result_is_used(importer, i) &&
            name_map_find(importer->symbols, importer->node->output[i]) == NULL)
            return node_fault(importer, NULL, "its output %zu, '%.200s', is used; riffle has none",
                i + 1, importer->node->output[i]);
    return true;
}

static bool import_node(Importer *importer) {
    const OnnxOp *op = onnx_op_of(importer->node);
    bool good = check_node(importer);
    switch (look_at_operands(importer)) {
    case OPERANDS_MISSING:
    case OPERANDS_BROKEN:
        return false;
    case OPERANDS_CONSTANT:
        if (good && op->folds && has_operand(importer, 0))
            return fold_node(importer) && check_results(importer);
        break;
    case OPERANDS_MIXED:
        break;
    }
    return good && op->import(importer) && check_results(importer);
}

static void break_results(Importer *importer) {
    for (size_t i = 0; i < importer->node->n_output; i++)
        set_result_at(importer, i, symbol_create(importer, SYMBOL_BROKEN, NULL));
}

static bool import_nodes(Importer *importer) {
    importer->order = node_order(importer);
    if (importer->order == NULL)
        return false;
    importer->failed = ARENA_ARRAY(importer->arena, bool, importer->node_count + 1);
    for (size_t i = 0; i < importer->node_count; i++) {
        importer->node = importer->order[i];
        importer->failed[i] = !import_node(importer);
        if (importer->failed[i])
            break_results(importer);
    }
    return true;
}

/* ---- outputs ---- */

static void add_output(Importer *importer, const char *name) {
    Symbol *symbol = name_map_find(importer->symbols, name);
    if (symbol == NULL) {
        model_fault(importer, NULL, "nothing makes the output '%.200s'", name);
        return;
    }
    if (symbol->kind == SYMBOL_BROKEN)
        return;
    if (symbol->kind == SYMBOL_CONSTANT) {
        model_fault(importer, NULL, "the output '%.200s' is a constant", name);
        return;
    }
    /* faults of the view are told as those of an op at the end */
    char *names[] = {(char *)name};
    Onnx__NodeProto end = ONNX__NODE_PROTO__INIT;
    end.op_type = (char *)"output";
    end.name = (char *)name;
    end.input = names;
    end.n_input = 1;
    importer->node = &end;
    Value *value = symbol_tensor(importer, symbol);
    if (value != NULL)
        graph_add_output(
            importer->graph, port_name(importer, name), value, LAYOUT_NCHW, importer->where);
    else
        importer->bad_outputs[importer->bad_output_count++] = name;
    importer->node = NULL;
}

static void add_outputs(Importer *importer) {
    importer->bad_outputs = ARENA_ARRAY(importer->arena, const char *, importer->output_count + 1);
    for (size_t i = 0; i < importer->output_count; i++)
        add_output(importer, importer->outputs[i]);
}

/* ---- what is left ---- */

/* Views that nobody read leave no nodes; parts of hard swishes spelled out do. */
static void drop_dead_nodes(Importer *importer) {
    Graph *graph = importer->graph;
    int *uses = graph_use_counts(graph, importer->arena);
    for (Node *node = graph->last, *previous; node != NULL; node = previous) {
        previous = node->previous;
        bool used = false;
        for (int i = 0; i < node->result_count; i++)
            used = used || uses[node->results[i]->id] > 0;
        if (used)
            continue;
        for (int i = 0; i < node->operand_count; i++)
            uses[node->operands[i]->id]--;
        graph_remove(graph, node);
    }
    graph_drop_unused_weights(graph);
}

static bool check_count(Importer *importer) {
    int count = 0;
    for (const Node *node = importer->graph->first; node != NULL; node = node->next)
        count++;
    return count <= NODE_LIMIT ||
           model_fault(importer, NULL, "the network has %d nodes, at most %d can be imported",
               count, NODE_LIMIT);
}

static bool check_weights(Importer *importer) {
    bool good = true;
    for (const Weight *weight = importer->graph->first_weight; weight; weight = weight->next) {
        int64_t count = tensor_elements(&weight->type);
        if (count < 1)
            good =
                model_fault(importer, NULL, "the weight '%s' is empty or too large", weight->path);
        if (weight->rests) /* one number again and again */
            count = 1;
        for (int64_t i = 0; i < count; i++) {
            if (!isfinite(weight->data[i])) {
                good = model_fault(importer, NULL, "the weight '%s' is not finite", weight->path);
                break;
            }
        }
    }
    return good;
}

static void append_count(Text *text, int64_t count, const char *what) {
    if (count > 0)
        text_format(text, "%s%" PRId64 " %s%s", text->length > 0 ? ", " : "", count, what,
            count > 1 ? "s" : "");
}

static void report_precision(const Importer *importer) {
    if (importer->converted > 0)
        diagnostics_report(importer->diagnostics, SEVERITY_WARNING, importer->where, NULL,
            "%" PRId64 " tensors of other precision were converted to float32",
            importer->converted);
    Text text = {0};
    append_count(&text, importer->widened.constants, "constant");
    append_count(&text, importer->widened.inputs, "input");
    append_count(&text, importer->widened.casts, "cast");
    if (text.length > 0)
        diagnostics_report(importer->diagnostics, SEVERITY_NOTE, importer->where, NULL,
            "in half precision in the model, and float32 here, which loses nothing: %s", text.data);
    text_free(&text);
}

static Graph *finish(Importer *importer) {
    if (importer->first_trouble != NULL)
        return NULL;
    drop_dead_nodes(importer);
    gathers_to_splits(importer->graph, importer->arena);
    if (!check_count(importer) || !check_weights(importer))
        return NULL;
    report_precision(importer);
    return graph_verify(importer->graph, importer->diagnostics) ? importer->graph : NULL;
}

static Graph *import_graph(Importer *importer, const Onnx__GraphProto *proto) {
    importer->proto = proto;
    if (!select_nodes(importer))
        return NULL;
    add_initializers(importer);
    add_inputs(importer);
    if (import_nodes(importer))
        add_outputs(importer);
    return finish(importer);
}

Importer importer_create(
    const char *path, const OnnxOptions *options, Arena *arena, Diagnostics *diagnostics) {
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    file->name = arena_copy_string(arena, path);
    return (Importer){.arena = arena,
        .diagnostics = diagnostics,
        .options = options,
        .where = {.file = file},
        .path = file->name,
        .graph = graph_create(arena, options->name),
        .symbols = name_map_create(arena),
        .uses = name_map_create(arena),
        .paths = name_map_create(arena),
        .path_nodes = name_map_create(arena),
        .sharers = name_map_create(arena),
        .transposed = name_map_create(arena),
        .taken_names = name_map_create(arena),
        .troubles = name_map_create(arena)};
}

Graph *import_model(Importer *importer, const void *bytes, size_t length) {
    importer->last_trouble = &importer->first_trouble;
    const Onnx__ModelProto *model = onnx_model_read(importer, bytes, length);
    Graph *graph = model == NULL ? NULL : import_graph(importer, model->graph);
    troubles_report(importer);
    return graph;
}

Graph *onnx_import_bytes(const char *path, const void *bytes, size_t length,
    const OnnxOptions *options, Arena *arena, Diagnostics *diagnostics) {
    Importer importer = importer_create(path, options, arena, diagnostics);
    Graph *graph = import_model(&importer, bytes, length);
    if (graph == NULL && options->part != NULL)
        find_part(&importer, bytes, length, options->part);
    return graph;
}
