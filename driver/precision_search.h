/* Which layers of a network must stay float so that the answers of a reduced precision keep within
 * a budget. Everything is interpreted, so the same inputs give the same choice on every machine. */
#ifndef RIFFLE_DRIVER_PRECISION_SEARCH_H
#define RIFFLE_DRIVER_PRECISION_SEARCH_H

#include "driver/accuracy.h"
#include "driver/precision_budget.h"
#include "driver/precision_map.h"

typedef struct LayerEffect {
    PrecisionLayer layer;
    bool is_reduced;  /* by the precision, where nothing keeps it */
    Accuracy alone;   /* of the network in which it is the only one reduced */
    Accuracy without; /* of the one in which it alone is not */
    double cost;      /* of keeping it: a share of the time with all reduced; NAN: not known */
    bool kept;        /* chosen */
} LayerEffect;

/* Estimates, relative to one run with every layer reduced. NAN where the core has no model. */
typedef struct PrecisionTimes {
    const char *processor;
    double floats, chosen;
} PrecisionTimes;

/* A way to reduce all layers. */
typedef struct WayEffect {
    const char *spelling; /* the options that ask for it */
    Accuracy whole;
} WayEffect;

typedef struct PrecisionSearch {
    const ModelOptions *options;
    const Evaluation *evaluation;
    const Graph *prepared; /* after the float passes and precision_prepare */
    Session *session;
    LayerEffect *layers; /* in the order of the graph */
    size_t count;
    Accuracy all;    /* with every layer reduced that can be */
    Accuracy chosen; /* with those kept that were chosen */
    size_t kept_count;
    int64_t attempts; /* to choose */
    PrecisionTimes times;
    WayEffect *ways; /* of precision_try_ways */
    int way_count;
} PrecisionSearch;

/* Measures each layer alone, all but it, and all together. False after reporting. */
bool precision_measure(PrecisionSearch *search);
/* Keeps as few layers as it finds: those that add most alone (or, where a precision shows only
 * between layers, take most away), as many as the budget takes, less those that it holds without
 * after all. False after reporting. */
bool precision_choose(PrecisionSearch *search, const PrecisionBudget *budget);

/* The network in which those layers stay float, in the arena. *rewrites is how many layers were
 * reduced. NULL after reporting. */
Graph *precision_form(
    const PrecisionSearch *search, const NameMap *kept, Arena *arena, int64_t *rewrites);
/* Estimates what each layer costs, by the model of the target's core, if there is one; the layers
 * that were chosen must be. False after reporting. (precision_time.c) */
bool precision_estimate(PrecisionSearch *search, const Target *target);

/* Measures the rows of precision_ways.def on a graph that was not prepared. False after reporting.
 * (precision_ways.c) */
bool precision_has_ways(Precision precision);
bool precision_try_ways(PrecisionSearch *search, const Graph *floats);

/* ---- for people (precision_report.c) ---- */

void precision_report(const PrecisionSearch *search, const PrecisionBudget *budget, Text *text);
void precision_report_json(
    const PrecisionSearch *search, const PrecisionBudget *budget, Text *text);

#endif
