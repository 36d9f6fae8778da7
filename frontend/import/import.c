/* The model as a whole, whatever its format: its nodes in order, its outputs, and what is left to
 * do with the graph. */
#include "frontend/evaluate.h"
#include "frontend/import/importer.h"
#include "frontend/import/order.h"
#include "frontend/import/selection.h"

#include <inttypes.h>
#include <math.h>

/* ---- nodes ---- */

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
        importer->failed[i] = !importer->format->import_node(importer);
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
    ModelNode end = {
        .op_type = "output", .name = name, .input = names, .n_input = 1, .where = importer->where};
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

Importer importer_create(const ModelFormat *format, const void *source, const char *path,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics) {
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    file->name = arena_copy_string(arena, path);
    return (Importer){.format = format,
        .source = source,
        .arena = arena,
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

Graph *model_import_once(Importer *importer) {
    const ModelFormat *format = importer->format;
    importer->last_trouble = &importer->first_trouble;
    Graph *graph = NULL;
    if (format->read(importer) && select_nodes(importer) && format->declare(importer)) {
        if (import_nodes(importer))
            add_outputs(importer);
        graph = finish(importer);
    }
    troubles_report(importer);
    return graph;
}

Graph *model_import(Importer *importer) {
    Graph *graph = model_import_once(importer);
    if (graph == NULL && importer->options->part != NULL)
        find_part(importer, importer->options->part);
    return graph;
}
