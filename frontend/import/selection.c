/* What of the model is imported: the nodes that the asked outputs depend on. What is cut away is
 * neither checked nor loaded. */
#include "frontend/import/selection.h"

#include <stdlib.h>
#include <string.h>

typedef struct Maker {
    size_t node;
    bool needed;        /* of the first of the name */
    struct Maker *next; /* of the same name, which is a fault if it is needed */
} Maker;

typedef struct Selection {
    Importer *importer;
    NameMap *makers; /* name -> Maker */
    NameMap *chosen; /* names of outputs -> anything */
    const char **outputs;
    size_t output_count, output_capacity;
    bool *live;
    size_t *stack, depth;
} Selection;

static void note_makers(Selection *selection) {
    const ImportedModel *model = selection->importer->model;
    for (size_t i = 0; i < model->node_count; i++) {
        for (size_t k = 0; k < model->nodes[i].n_output; k++) {
            const char *name = model->nodes[i].output[k];
            if (*name == '\0')
                continue;
            Maker *maker = ARENA_NEW(selection->importer->arena, Maker);
            maker->node = i;
            maker->next = name_map_find(selection->makers, name);
            name_map_put(selection->makers, name, maker);
        }
    }
}

/* ---- the outputs ---- */

static void add_output(Selection *selection, const char *name) {
    if (name_map_find(selection->chosen, name) != NULL)
        return;
    name_map_put(selection->chosen, name, selection);
    ARENA_GROW(selection->importer->arena, selection->outputs, selection->output_count,
        selection->output_capacity, 8);
    selection->outputs[selection->output_count++] = name;
}

/* "did you mean" among the names of nodes, or of tensors that nodes make. NULL when none is like
 * it. */
static const char *suggestion(const Selection *selection, const char *word, bool nodes) {
    const ImportedModel *model = selection->importer->model;
    size_t count = 0, capacity = 0;
    const char **names = NULL;
    for (size_t i = 0; i < model->node_count; i++) {
        const ModelNode *node = &model->nodes[i];
        for (size_t k = 0; k < (nodes ? 1 : node->n_output); k++) {
            ARENA_GROW(selection->importer->arena, names, count, capacity, 64);
            names[count++] = nodes ? node_label(node) : node->output[k];
        }
    }
    const char *closest = closest_word(word, names, count);
    return closest == NULL
               ? NULL
               : arena_format(selection->importer->arena, "did you mean '%.200s'?", closest);
}

static const ModelNode *find_node(const ImportedModel *model, const char *name, size_t *count) {
    const ModelNode *found = NULL;
    *count = 0;
    for (size_t i = 0; i < model->node_count; i++) {
        if (strcmp(node_label(&model->nodes[i]), name) != 0)
            continue;
        found = &model->nodes[i];
        ++*count;
    }
    return found;
}

static bool is_read(const ImportedModel *model, const char *name) {
    for (size_t i = 0; i < model->node_count; i++)
        for (size_t k = 0; k < model->nodes[i].n_input; k++)
            if (strcmp(model->nodes[i].input[k], name) == 0)
                return true;
    for (size_t i = 0; i < model->output_count; i++)
        if (strcmp(model->outputs[i], name) == 0)
            return true;
    return false;
}

/* All results of the node that anyone reads, and the first. */
static void add_until(Selection *selection, const char *name) {
    Importer *importer = selection->importer;
    size_t count;
    const ModelNode *node = find_node(importer->model, name, &count);
    if (count > 1) {
        model_fault(importer, "name a tensor instead: --outputs",
            "%zu %s have the name '%.200s' of --until", count, importer->format->items, name);
    } else if (node == NULL) {
        bool is_tensor = name_map_find(selection->makers, name) != NULL;
        model_fault(importer,
            is_tensor ? arena_format(importer->arena, "it is a tensor: --outputs '%.200s'", name)
                      : suggestion(selection, name, true),
            "no %s has the name '%.200s' of --until", importer->format->item, name);
    } else {
        for (size_t i = 0; i < node->n_output; i++)
            if (node->output[i][0] != '\0' && (i == 0 || is_read(importer->model, node->output[i])))
                add_output(selection, node->output[i]);
        if (node->n_output == 0)
            model_fault(importer, NULL, "the %s '%.200s' of --until has no result",
                importer->format->item, name);
    }
}

static void add_named(Selection *selection, const char *name) {
    Importer *importer = selection->importer;
    if (*name != '\0' && name_map_find(selection->makers, name) != NULL) {
        add_output(selection, name);
        return;
    }
    for (size_t i = 0; i < importer->model->input_count; i++) {
        if (strcmp(importer->model->inputs[i], name) == 0) {
            model_fault(importer, NULL, "'%.200s' of --outputs is an input, which no %s makes",
                name, importer->format->item);
            return;
        }
    }
    for (size_t i = 0; i < importer->model->constant_count; i++) {
        if (strcmp(importer->model->constants[i], name) == 0) {
            model_fault(importer, NULL, "'%.200s' of --outputs is a constant", name);
            return;
        }
    }
    size_t count;
    find_node(importer->model, name, &count);
    model_fault(importer,
        count > 0 ? arena_format(importer->arena, "it is a %s: --until '%.200s'",
                        importer->format->item, name)
                  : suggestion(selection, name, false),
        "no tensor has the name '%.200s' of --outputs", name);
}

/* NAME,NAME... or one name that has commas itself. */
static void add_list(Selection *selection, const char *list) {
    if (name_map_find(selection->makers, list) != NULL) {
        add_output(selection, list);
        return;
    }
    char *rest = arena_copy_string(selection->importer->arena, list);
    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        add_named(selection, name);
}

static void choose_outputs(Selection *selection) {
    Importer *importer = selection->importer;
    const ImporterOptions *options = importer->options;
    for (size_t i = 0; i < options->until_count; i++)
        add_until(selection, options->until[i]);
    for (size_t i = 0; i < options->output_count; i++)
        add_list(selection, options->outputs[i]);
    importer->is_cut = options->until_count + options->output_count > 0;
    for (size_t i = 0; !importer->is_cut && i < importer->model->output_count; i++)
        add_output(selection, importer->model->outputs[i]);
    if (!importer->is_cut && importer->model->output_count == 0)
        model_fault(
            importer, "--until NODE or --outputs NAME,... make some", "the model has no output");
}

/* ---- what they depend on ---- */

static void need(Selection *selection, const char *name) {
    Maker *maker = name_map_find(selection->makers, name);
    if (maker == NULL || maker->needed)
        return;
    for (maker->needed = true; maker != NULL; maker = maker->next) {
        if (!selection->live[maker->node])
            selection->stack[selection->depth++] = maker->node;
        selection->live[maker->node] = true;
    }
}

static void mark_live(Selection *selection) {
    const ImportedModel *model = selection->importer->model;
    for (size_t i = 0; i < selection->output_count; i++)
        need(selection, selection->outputs[i]);
    while (selection->depth > 0) {
        const ModelNode *node = &model->nodes[selection->stack[--selection->depth]];
        for (size_t i = 0; i < node->n_input; i++)
            need(selection, node->input[i]);
    }
}

static void count_use(Importer *importer, const char *name) {
    int *uses = name_map_find(importer->uses, name);
    if (uses == NULL) {
        uses = ARENA_NEW(importer->arena, int);
        name_map_put(importer->uses, name, uses);
    }
    ++*uses;
}

bool select_nodes(Importer *importer) {
    Arena *arena = importer->arena;
    size_t count = importer->model->node_count;
    Selection selection = {.importer = importer,
        .makers = name_map_create(arena),
        .chosen = name_map_create(arena),
        .live = ARENA_ARRAY(arena, bool, count + 1),
        .stack = ARENA_ARRAY(arena, size_t, count + 1)};
    note_makers(&selection);
    choose_outputs(&selection);
    if (importer->first_trouble != NULL)
        return false;
    mark_live(&selection);
    importer->outputs = selection.outputs;
    importer->output_count = selection.output_count;
    importer->nodes = ARENA_ARRAY(arena, const ModelNode *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const ModelNode *node = &importer->model->nodes[i];
        if (!selection.live[i])
            continue;
        importer->nodes[importer->node_count++] = node;
        for (size_t k = 0; k < node->n_input; k++)
            count_use(importer, node->input[k]);
    }
    for (size_t i = 0; i < selection.output_count; i++)
        count_use(importer, selection.outputs[i]);
    return true;
}
