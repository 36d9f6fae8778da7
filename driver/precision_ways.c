/* What ways to calibrate and to round do to the answers, each alone. */
#include "driver/precision.h"
#include "driver/precision_search.h"
#include "ir/progress.h"

#include <math.h>

typedef struct PrecisionWay {
    Precision precision;
    const char *spelling;
    CalibrationMethod method;
    bool equalize;
    const char *pass_options;
} PrecisionWay;

static const PrecisionWay ways[] = {
#define WAY(precision, spelling, kind, percentile, equalize, pass_options)                         \
    {PRECISION_##precision, spelling, {CALIBRATION_##kind, percentile}, equalize, pass_options},
#include "driver/precision_ways.def"
};

enum { WAY_COUNT = sizeof ways / sizeof *ways };

bool precision_has_ways(Precision precision) {
    for (int i = 0; i < WAY_COUNT; i++)
        if (ways[i].precision == precision)
            return true;
    return false;
}

static bool measure_way(const PrecisionSearch *search, const Graph *floats, const PrecisionWay *way,
    Accuracy *accuracy) {
    ModelOptions options = *search->options;
    options.calibration_method = way->method;
    options.equalize = way->equalize;
    options.precision_options = way->pass_options;
    Arena *scratch = arena_create();
    Graph *graph = graph_copy(floats, scratch);
    bool done = precision_apply(&options, NULL, graph) &&
                evaluation_measure(search->evaluation, graph, search->session, accuracy);
    arena_destroy(scratch);
    return done;
}

bool precision_try_ways(PrecisionSearch *search, const Graph *floats) {
    search->ways = ARENA_ARRAY(search->session->arena, WayEffect, WAY_COUNT);
    int work = progress_begin("trying way", WAY_COUNT);
    bool done = true;
    for (int i = 0; done && i < WAY_COUNT; i++) {
        progress_set(i + 1);
        if (ways[i].precision != search->options->precision)
            continue;
        WayEffect *effect = &search->ways[search->way_count++];
        effect->spelling = ways[i].spelling;
        done = measure_way(search, floats, &ways[i], &effect->whole);
    }
    progress_end(work);
    return done;
}
