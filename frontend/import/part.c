/* The largest part of a model that cannot be imported whole. It ends in front of the nodes that
 * failed; where a tensor there can be no output of a graph (a view, say), in front of the node that
 * makes it. What is named was imported to try it. */
#include "frontend/import/importer.h"

#include <string.h>

enum { MOST_TRIES = 16 };

typedef struct CutSearch {
    const Importer *failed;
    NameMap *makers; /* name -> the node of the first import that made it, a good one */
    NameMap *seen;   /* names that were outputs of some try */
    Arena *arena;
    const char **outputs;
    size_t count, capacity;
} CutSearch;

static void note_makers(CutSearch *search) {
    const Importer *importer = search->failed;
    for (size_t i = 0; i < importer->node_count; i++) {
        const ModelNode *node = importer->order[i];
        if (node->n_input == 0) /* an input or a constant, which is no part */
            continue;
        for (size_t k = 0; !importer->failed[i] && k < node->n_output; k++)
            name_map_put(search->makers, node->output[k], (void *)node);
    }
}

/* A tensor that a good node makes ends the part; another is none of it. */
static void add_end(CutSearch *search, const char *name) {
    const Symbol *symbol = name_map_find(search->failed->symbols, name);
    if (*name == '\0' || symbol == NULL || symbol->kind != SYMBOL_TENSOR ||
        name_map_find(search->makers, name) == NULL || name_map_find(search->seen, name) != NULL)
        return;
    name_map_put(search->seen, name, search);
    ARENA_GROW(search->arena, search->outputs, search->count, search->capacity, 8);
    search->outputs[search->count++] = name;
}

static void add_ends(CutSearch *search, const ModelNode *node) {
    for (size_t i = 0; i < node->n_input; i++)
        add_end(search, node->input[i]);
}

static void find_ends(CutSearch *search) {
    const Importer *importer = search->failed;
    for (size_t i = 0; i < importer->node_count; i++)
        if (importer->failed[i])
            add_ends(search, importer->order[i]);
    for (size_t i = 0; i < importer->output_count; i++)
        add_end(search, importer->outputs[i]);
}

/* Puts what their nodes read in the place of the outputs that are none. */
static void step_back(CutSearch *search, const Importer *tried) {
    for (size_t i = 0; i < tried->bad_output_count; i++) {
        const char *name = tried->bad_outputs[i];
        for (size_t k = 0; k < search->count; k++)
            if (strcmp(search->outputs[k], name) == 0)
                search->outputs[k] = search->outputs[--search->count];
        add_ends(search, name_map_find(search->makers, name));
    }
}

/* Whether the part can be imported; if not, a smaller one is to be tried. */
static bool try_part(CutSearch *search, size_t *nodes) {
    ImporterOptions options = *search->failed->options;
    options.until_count = 0;
    options.outputs = search->outputs;
    options.output_count = search->count;
    options.part = NULL;
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Importer importer = importer_create(search->failed->format, search->failed->source,
        search->failed->path, &options, arena, diagnostics);
    const Graph *graph = model_import_once(&importer);
    *nodes = importer.node_count;
    if (graph == NULL && importer.bad_output_count > 0)
        step_back(search, &importer);
    else if (graph == NULL || graph->first == NULL)
        search->count = 0;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return graph != NULL;
}

void find_part(const Importer *importer, ModelPart *part) {
    bool failed = importer->bad_output_count > 0;
    for (size_t i = 0; importer->order != NULL && i < importer->node_count; i++)
        failed = failed || importer->failed[i];
    if (!failed) /* no node is at fault */
        return;
    CutSearch search = {.failed = importer,
        .makers = name_map_create(importer->arena),
        .seen = name_map_create(importer->arena),
        .arena = importer->arena};
    note_makers(&search);
    find_ends(&search);
    size_t nodes = 0;
    bool good = false;
    for (int i = 0; i < MOST_TRIES && search.count > 0 && !good; i++)
        good = try_part(&search, &nodes);
    if (!good || search.count == 0)
        return;
    *part = (ModelPart){
        search.outputs, search.count, nodes, importer->node_count, importer->format->items};
}
