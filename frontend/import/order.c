/* The order in which the nodes are imported: as in the file where that is sound, and else each node
 * after those whose results it reads. */
#include "frontend/import/order.h"

#include <string.h>

typedef struct Producer {
    size_t node;
} Producer;

typedef struct Walk {
    Importer *importer;
    NameMap *producers;   /* name -> Producer */
    unsigned char *state; /* of each node: 0 untouched, 1 entered, 2 done */
    size_t *stack, depth;
    size_t *next_input; /* of each node on the stack */
    const ModelNode **order;
    size_t count;
} Walk;

static bool note_producer(Walk *walk, size_t index, const char *name) {
    const ModelNode *node = walk->importer->nodes[index];
    walk->importer->node = node;
    if (*name == '\0')
        return true;
    if (name_map_find(walk->producers, name) != NULL ||
        name_map_find(walk->importer->symbols, name) != NULL)
        return node_fault(
            walk->importer, NULL, "its output '%.200s' has a name that is taken", name);
    Producer *producer = ARENA_NEW(walk->importer->arena, Producer);
    producer->node = index;
    name_map_put(walk->producers, name, producer);
    return true;
}

/* The nodes between the two ends of a circle, for the message. */
static void report_cycle(Walk *walk, size_t node) {
    const ModelNode *const *nodes = walk->importer->nodes;
    Text text = {0};
    size_t from = walk->depth;
    while (from > 0 && walk->stack[from - 1] != node)
        from--;
    for (size_t i = from; i < walk->depth && i < from + 8; i++)
        text_format(&text, "%s'%.100s'", i > from ? ", " : "", node_label(nodes[walk->stack[i]]));
    walk->importer->node = nodes[node];
    node_fault(walk->importer, "a network is computed from its inputs to its outputs",
        "it depends on its own result%s%s", walk->depth > from ? ", through " : "",
        text.data == NULL ? "" : text.data);
    text_free(&text);
}

static bool visit(Walk *walk, size_t start) {
    const ModelNode *const *nodes = walk->importer->nodes;
    walk->stack[walk->depth++] = start;
    walk->state[start] = 1;
    while (walk->depth > 0) {
        size_t at = walk->stack[walk->depth - 1];
        const ModelNode *node = nodes[at];
        if (walk->next_input[at] == node->n_input) {
            walk->state[at] = 2;
            walk->order[walk->count++] = node;
            walk->depth--;
            continue;
        }
        const Producer *producer =
            name_map_find(walk->producers, node->input[walk->next_input[at]++]);
        if (producer == NULL || walk->state[producer->node] == 2)
            continue;
        if (walk->state[producer->node] == 1) {
            report_cycle(walk, producer->node);
            return false;
        }
        walk->state[producer->node] = 1;
        walk->stack[walk->depth++] = producer->node;
    }
    return true;
}

const ModelNode *const *node_order(Importer *importer) {
    size_t count = importer->node_count;
    Arena *arena = importer->arena;
    Walk walk = {.importer = importer,
        .producers = name_map_create(arena),
        .state = ARENA_ARRAY(arena, unsigned char, count + 1),
        .stack = ARENA_ARRAY(arena, size_t, count + 1),
        .next_input = ARENA_ARRAY(arena, size_t, count + 1),
        .order = ARENA_ARRAY(arena, const ModelNode *, count + 1)};
    bool good = true;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < importer->nodes[i]->n_output; k++)
            good = note_producer(&walk, i, importer->nodes[i]->output[k]) && good;
    for (size_t i = 0; good && i < count; i++)
        good = walk.state[i] != 0 || visit(&walk, i);
    return good ? walk.order : NULL;
}
