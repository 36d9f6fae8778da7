#include "driver/precision_search.h"

#include "driver/precision.h"
#include "ir/progress.h"

#include <math.h>
#include <stdlib.h>

/* ---- one form of the network ---- */

Graph *precision_form(
    const PrecisionSearch *search, const NameMap *kept, Arena *arena, int64_t *rewrites) {
    Graph *graph = graph_copy(search->prepared, arena);
    return precision_reduce(search->options, kept, graph, rewrites) ? graph : NULL;
}

/* Its accuracy where those layers stay float. */
static bool measure_kept(
    const PrecisionSearch *search, const NameMap *kept, Accuracy *accuracy, int64_t *rewrites) {
    Arena *scratch = arena_create();
    const Graph *graph = precision_form(search, kept, scratch, rewrites);
    bool done =
        graph != NULL && evaluation_measure(search->evaluation, graph, search->session, accuracy);
    arena_destroy(scratch);
    return done;
}

static bool measure_layer(const PrecisionSearch *search, LayerEffect *layer) {
    Arena *scratch = arena_create();
    NameMap *others = name_map_create(scratch), *itself = name_map_create(scratch);
    for (size_t i = 0; i < search->count; i++)
        name_map_put(&search->layers[i] == layer ? itself : others, search->layers[i].layer.path,
            &search->layers[i]);
    int64_t alone, without;
    bool done = measure_kept(search, others, &layer->alone, &alone);
    layer->is_reduced = alone > 0;
    if (done && layer->is_reduced)
        done = measure_kept(search, itself, &layer->without, &without);
    arena_destroy(scratch);
    return done;
}

static bool measure_chosen(const PrecisionSearch *search, Accuracy *accuracy) {
    Arena *scratch = arena_create();
    NameMap *kept = name_map_create(scratch);
    for (size_t i = 0; i < search->count; i++)
        if (search->layers[i].kept)
            name_map_put(kept, search->layers[i].layer.path, &search->layers[i]);
    int64_t rewrites;
    bool done = measure_kept(search, kept, accuracy, &rewrites);
    arena_destroy(scratch);
    return done;
}

static bool attempt_chosen(PrecisionSearch *search, Accuracy *accuracy) {
    progress_set(++search->attempts);
    return measure_chosen(search, accuracy);
}

/* Of the prepared graph, those that compute with their weights: what else has some became part of
 * them, or is no layer. */
static void list_layers(PrecisionSearch *search) {
    size_t count;
    PrecisionLayer *layers = precision_layers(search->prepared, search->session->arena, &count);
    search->layers = ARENA_ARRAY(search->session->arena, LayerEffect, count + 1);
    search->count = 0;
    for (size_t i = 0; i < count; i++)
        if (op_multiplies(layers[i].op))
            search->layers[search->count++].layer = layers[i];
}

bool precision_measure(PrecisionSearch *search) {
    list_layers(search);
    int work = progress_begin("measuring layer", (int64_t)search->count);
    bool done = measure_chosen(search, &search->all);
    for (size_t i = 0; done && i < search->count; i++) {
        progress_set((int64_t)i + 1);
        done = measure_layer(search, &search->layers[i]);
    }
    progress_end(work);
    search->chosen = search->all;
    return done;
}

/* ---- the fewest ---- */

/* Of the signal. Noise adds up, where one number decides the largest error. */
static double noise_of(const Accuracy *accuracy) {
    return pow(10, -accuracy_snr(accuracy) / 10);
}

typedef struct RankedLayer {
    LayerEffect *layer;
    double noise; /* that it adds, or that goes with it */
} RankedLayer;

/* The worst first, equal ones in the order of the graph. */
static int compare_layers(const void *a, const void *b) {
    const RankedLayer *x = a, *y = b;
    if (x->noise != y->noise)
        return x->noise > y->noise ? -1 : 1;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static RankedLayer *sorted_layers(const PrecisionSearch *search, size_t *count) {
    RankedLayer *sorted = ARENA_ARRAY(search->session->arena, RankedLayer, search->count + 1);
    *count = 0;
    for (size_t i = 0; i < search->count; i++) {
        LayerEffect *layer = &search->layers[i];
        double noise = noise_of(&layer->alone);
        if (noise == 0 && layer->is_reduced)
            noise = noise_of(&search->all) - noise_of(&layer->without);
        if (layer->is_reduced)
            sorted[(*count)++] = (RankedLayer){layer, noise};
    }
    qsort(sorted, *count, sizeof *sorted, compare_layers);
    return sorted;
}

/* Keeps the first layers and measures. */
static bool try_first(
    PrecisionSearch *search, const RankedLayer *sorted, size_t count, size_t first) {
    for (size_t i = 0; i < count; i++)
        sorted[i].layer->kept = i < first;
    search->kept_count = first;
    return attempt_chosen(search, &search->chosen);
}

/* The least number of first layers that the budget holds with, if more of them are never worse. */
static bool bisect(PrecisionSearch *search, const PrecisionBudget *budget,
    const RankedLayer *sorted, size_t count) {
    size_t too_few = 0, enough = count;
    while (enough - too_few > 1) {
        size_t middle = too_few + (enough - too_few) / 2;
        if (!try_first(search, sorted, count, middle))
            return false;
        if (budget_holds(budget, &search->chosen))
            enough = middle;
        else
            too_few = middle;
    }
    return try_first(search, sorted, count, enough);
}

/* Lets go of each that the budget holds without, the most harmless first. */
static bool let_go(
    PrecisionSearch *search, const PrecisionBudget *budget, const RankedLayer *sorted) {
    for (size_t i = search->kept_count; i > 0; i--) {
        Accuracy without;
        sorted[i - 1].layer->kept = false;
        if (!attempt_chosen(search, &without))
            return false;
        sorted[i - 1].layer->kept = !budget_holds(budget, &without);
        if (sorted[i - 1].layer->kept)
            continue;
        search->chosen = without;
        search->kept_count--;
    }
    return true;
}

bool precision_choose(PrecisionSearch *search, const PrecisionBudget *budget) {
    if (budget_holds(budget, &search->all))
        return true;
    size_t count;
    const RankedLayer *sorted = sorted_layers(search, &count);
    int work = progress_begin("choosing layers, attempt", 0);
    search->attempts = 0;
    bool done = bisect(search, budget, sorted, count) && let_go(search, budget, sorted);
    progress_end(work);
    return done;
}
