/* What layers cost that stay float: programs are lowered with and without, and their times
 * estimated by the model of the target's core. */
#include "driver/precision_search.h"

#include "backends/backends.h"
#include "ir/progress.h"

#include <math.h>

/* Only waiting for memory depends on it, and only shares are said. */
static const double clock_hertz = 2e9;

typedef struct Estimate {
    const PrecisionSearch *search;
    const Target *target;
    const Core *core;
} Estimate;

/* Cycles of the graph; 0 after reporting. */
static double cycles_of(const Estimate *estimate, const Graph *graph, Arena *arena) {
    Session session = *estimate->search->session;
    session.arena = arena;
    ModelOptions options = *estimate->search->options;
    options.session = &session;
    Program *program = model_lower(&options, graph, estimate->target, NULL);
    if (program == NULL)
        return 0;
    StepTime *steps = program_predict(program, estimate->core, clock_hertz, arena);
    double cycles = 0;
    for (int i = 0; i < program_summary(program).step_count; i++)
        cycles += steps[i].cycles;
    program_destroy(program);
    return cycles;
}

/* With those layers float. */
static double cycles_kept(const Estimate *estimate, const NameMap *kept, Arena *arena) {
    int64_t rewrites;
    const Graph *graph = precision_form(estimate->search, kept, arena, &rewrites);
    return graph == NULL ? 0 : cycles_of(estimate, graph, arena);
}

typedef bool IsKept(const LayerEffect *layer, const void *context);

static bool is_any(const LayerEffect *layer, const void *context) {
    (void)context;
    return layer != NULL;
}

static bool is_chosen(const LayerEffect *layer, const void *context) {
    (void)context;
    return layer->kept;
}

static bool is_that(const LayerEffect *layer, const void *context) {
    return layer == context;
}

static bool is_none(const LayerEffect *layer, const void *context) {
    (void)context;
    return layer == NULL;
}

static double cycles_where(const Estimate *estimate, IsKept *is_kept, const void *context) {
    const PrecisionSearch *search = estimate->search;
    Arena *scratch = arena_create();
    NameMap *kept = name_map_create(scratch);
    for (size_t i = 0; i < search->count; i++)
        if (is_kept(&search->layers[i], context))
            name_map_put(kept, search->layers[i].layer.path, &search->layers[i]);
    double cycles = cycles_kept(estimate, kept, scratch);
    arena_destroy(scratch);
    return cycles;
}

bool precision_estimate(PrecisionSearch *search, const Target *target) {
    const Estimate estimate = {search, target, core_find(target->cpu)};
    search->times = (PrecisionTimes){target->cpu, NAN, NAN};
    for (size_t i = 0; i < search->count; i++)
        search->layers[i].cost = NAN;
    if (estimate.core == NULL || target->gpu != NULL)
        return true;
    double reduced = cycles_where(&estimate, is_none, NULL);
    double floats = cycles_where(&estimate, is_any, NULL);
    double chosen = cycles_where(&estimate, is_chosen, NULL);
    bool done = reduced > 0 && floats > 0 && chosen > 0;
    int work = progress_begin("estimating the cost of layer", (int64_t)search->count);
    for (size_t i = 0; done && i < search->count; i++) {
        progress_set((int64_t)i + 1);
        LayerEffect *layer = &search->layers[i];
        double cycles = layer->is_reduced ? cycles_where(&estimate, is_that, layer) : reduced;
        done = cycles > 0;
        layer->cost = cycles / reduced - 1;
    }
    progress_end(work);
    if (done)
        search->times = (PrecisionTimes){target->cpu, floats / reduced, chosen / reduced};
    return done;
}
