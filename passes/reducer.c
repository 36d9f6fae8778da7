#include "passes/reducer.h"

#include "passes/edit.h"

#include <string.h>

typedef struct GraphReducer {
    Graph *graph;
    const char *pipeline;
    StillFails *still_fails;
    void *context;
    int attempts, most_attempts;
    Arena *arena; /* of the graph: a new one with each step that was taken */
} GraphReducer;

static bool fails(GraphReducer *reducer, const Graph *graph, const char *pipeline) {
    Arena *arena = arena_create();
    reducer->attempts++;
    bool result = reducer->still_fails(reducer->context, graph_copy(graph, arena), pipeline);
    arena_destroy(arena);
    return result;
}

/* ---- passes ---- */

/* The pipeline without its step `index`, NULL when it has no such step. Commas in braces are part
 * of a step. */
static const char *without_step(const char *pipeline, int index, Arena *arena) {
    const char *begin = pipeline;
    for (int step = 0;; step++) {
        int depth = 0;
        const char *end = begin;
        while (*end != '\0' && (*end != ',' || depth > 0)) {
            depth += *end == '{';
            depth -= *end == '}';
            end++;
        }
        if (step == index && begin != end) {
            size_t before = (size_t)(begin - pipeline);
            if (*end == ',')
                return arena_format(arena, "%.*s%s", (int)before, pipeline, end + 1);
            return arena_copy_bytes(arena, pipeline, before > 0 ? before - 1 : 0);
        }
        if (*end == '\0')
            return NULL;
        begin = end + 1;
    }
}

static bool drop_passes(GraphReducer *reducer, Arena *arena) {
    bool any = false;
    int index = 0;
    const char *shorter;
    while ((shorter = without_step(reducer->pipeline, index, arena)) != NULL) {
        if (reducer->attempts < reducer->most_attempts && fails(reducer, reducer->graph, shorter)) {
            reducer->pipeline = shorter;
            any = true;
        } else {
            index++;
        }
    }
    return any;
}

/* ---- the graph ---- */

static bool try_edit(GraphReducer *reducer, Edit edit) {
    if (reducer->attempts >= reducer->most_attempts)
        return false;
    Arena *arena = arena_create();
    Graph *smaller = graph_edited(reducer->graph, edit, arena);
    if (smaller == NULL || !fails(reducer, smaller, reducer->pipeline)) {
        arena_destroy(arena);
        return false;
    }
    arena_destroy(reducer->arena);
    reducer->arena = arena;
    reducer->graph = smaller;
    return true;
}

/* All edits of a kind. After one that was taken the same place is tried again: there is another
 * node, or more to take. */
static bool try_kind(GraphReducer *reducer, EditKind kind) {
    bool any = false;
    for (int index = 0; index < edit_index_count(reducer->graph, kind); index++) {
        int part = 0;
        while (index < edit_index_count(reducer->graph, kind) &&
               part < edit_part_count(reducer->graph, kind, index)) {
            if (try_edit(reducer, (Edit){kind, index, part}))
                any = true;
            else
                part++;
        }
    }
    return any;
}

ReducedGraph graph_reduce(const Graph *graph, const char *pipeline, StillFails *still_fails,
    void *context, int most_attempts, Arena *arena) {
    GraphReducer reducer = {.pipeline = pipeline,
        .still_fails = still_fails,
        .context = context,
        .most_attempts = most_attempts,
        .arena = arena_create()};
    reducer.graph = graph_copy(graph, reducer.arena);
    bool any = true;
    while (any) {
        any = drop_passes(&reducer, arena);
        for (int kind = 0; kind < EDIT_COUNT; kind++)
            any |= try_kind(&reducer, (EditKind)kind);
    }
    ReducedGraph result = {graph_copy(reducer.graph, arena), reducer.pipeline, reducer.attempts};
    arena_destroy(reducer.arena);
    return result;
}
