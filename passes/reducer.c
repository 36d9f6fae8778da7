#include "passes/reducer.h"

#include "passes/edit.h"

#include <string.h>

typedef struct GraphReducer {
    Graph *graph;
    const char *pipeline;
    ReducerTest *test;
    void *context;
    int attempts, most_attempts;
    bool stopped;
    Arena *arena; /* of the graph: a new one with each step that was taken */
} GraphReducer;

static bool is_of_interest(GraphReducer *reducer, const Graph *graph, const char *pipeline) {
    if (reducer->stopped)
        return false;
    Arena *arena = arena_create();
    reducer->attempts++;
    ReducerVerdict verdict = reducer->test(reducer->context, graph_copy(graph, arena), pipeline);
    arena_destroy(arena);
    reducer->stopped = verdict == VERDICT_STOP || reducer->attempts >= reducer->most_attempts;
    return verdict == VERDICT_YES;
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
    while (!reducer->stopped && (shorter = without_step(reducer->pipeline, index, arena)) != NULL) {
        if (is_of_interest(reducer, reducer->graph, shorter)) {
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
    Arena *arena = arena_create();
    Graph *smaller = graph_edited(reducer->graph, edit, arena);
    if (smaller == NULL || !is_of_interest(reducer, smaller, reducer->pipeline)) {
        arena_destroy(arena);
        return false;
    }
    arena_destroy(reducer->arena);
    reducer->arena = arena;
    reducer->graph = smaller;
    return true;
}

/* All edits of a kind at one place. After one that was taken the place is tried again: there is
 * another node, or more to take. */
static bool try_place(GraphReducer *reducer, EditKind kind, int index) {
    bool any = false;
    int part = 0;
    while (!reducer->stopped && index < edit_index_count(reducer->graph, kind) &&
           part < edit_part_count(reducer->graph, kind, index)) {
        if (!try_edit(reducer, (Edit){kind, index, part})) {
            part++;
            continue;
        }
        any = true;
        if (edit_leaves_dead(kind))
            try_edit(reducer, (Edit){.kind = EDIT_DROP_DEAD});
    }
    return any;
}

/* Halves the range in which the earliest end lies: what is of interest mostly stays so with more
 * behind it. */
static bool try_ends(GraphReducer *reducer) {
    bool any = false;
    int low = 0, high = edit_index_count(reducer->graph, EDIT_END_AT_NODE);
    while (low < high && !reducer->stopped) {
        int middle = low + (high - low) / 2;
        if (try_edit(reducer, (Edit){EDIT_END_AT_NODE, middle, 0})) {
            high = middle;
            any = true;
        } else {
            low = middle + 1;
        }
    }
    if (any)
        try_edit(reducer, (Edit){.kind = EDIT_DROP_DEAD});
    return any;
}

/* Each end, for what does not stay so: of a graph that is small by now. */
static bool try_each_end(GraphReducer *reducer) {
    bool any = false;
    for (int index = 0; index < edit_index_count(reducer->graph, EDIT_END_AT_NODE); index++)
        any |= try_edit(reducer, (Edit){EDIT_END_AT_NODE, index, 0});
    return any;
}

/* A node that becomes an input takes all before it: there, the last ones come first. */
static bool try_kind(GraphReducer *reducer, EditKind kind) {
    bool any = false;
    if (kind == EDIT_END_AT_NODE)
        return try_ends(reducer);
    int count = edit_index_count(reducer->graph, kind);
    for (int step = 0; step < count; step++)
        any |= try_place(reducer, kind, kind == EDIT_FRESH_INPUT ? count - 1 - step : step);
    return any;
}

ReducedGraph graph_reduce(const Graph *graph, const char *pipeline, ReducerTest *test,
    void *context, int most_attempts, Arena *arena) {
    GraphReducer reducer = {.pipeline = pipeline,
        .test = test,
        .context = context,
        .most_attempts = most_attempts,
        .arena = arena_create()};
    reducer.graph = graph_copy(graph, reducer.arena);
    bool any = true;
    while (any && !reducer.stopped) {
        any = drop_passes(&reducer, arena);
        for (int kind = 0; kind < EDIT_COUNT; kind++)
            any |= try_kind(&reducer, (EditKind)kind);
        any = any || try_each_end(&reducer);
    }
    ReducedGraph result = {
        graph_copy(reducer.graph, arena), reducer.pipeline, reducer.attempts, !reducer.stopped};
    arena_destroy(reducer.arena);
    return result;
}
