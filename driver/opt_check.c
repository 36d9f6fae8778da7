/* --check-each: what is said of a graph after a step. */
#include "driver/opt.h"
#include "driver/progress.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool check_interface(
    const OptRun *run, const char *name, const Graph *graph, Diagnostics *diagnostics) {
    bool same = graph_same_interface(run->before, graph);
    if (!same)
        diagnostics_error(diagnostics, "a pass must keep their number, types and layouts",
            "the pass '%s' changed the inputs or outputs of the graph", name);
    return same;
}

/* ---- with a tolerance ---- */

static bool report_difference(OptRun *run, const PipelineStep *step, const char *name,
    double difference, Diagnostics *diagnostics) {
    run->steps[step - run->pipeline->steps].difference = difference;
    progress_hide();
    fprintf(stderr, "%s: largest difference %.3g of the largest output\n", name, difference);
    if (!answers_agree(difference))
        diagnostics_error(diagnostics, "--bisect names the rewrite that does it",
            "the graph computes something else after the pass '%s'", name);
    return answers_agree(difference);
}

/* Interprets the graph after the step, and keeps its answers for the next one. */
static bool check_answers(OptRun *run, const PipelineStep *step, const char *name,
    const Graph *graph, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    const GraphAnswers *answers =
        graph_answers(graph, (uint64_t)run->opt->check_seed, arena, diagnostics);
    bool good = answers != NULL && report_difference(run, step, name,
                                       answers_difference(run->answers, answers), diagnostics);
    arena_destroy(run->answers_arena);
    run->answers_arena = arena;
    run->answers = answers;
    return good;
}

/* ---- exactly ---- */

bool opt_proof_begin(OptRun *run) {
    Session *session = run->opt->model.session;
    run->proof = graph_proof_begin(
        run->model.graph, (uint64_t)run->opt->check_seed, session->arena, session->diagnostics);
    return run->proof != NULL;
}

/* By its text, in which computed weights have names of their own. */
static bool is_unchanged(const OptRun *run, const Graph *graph) {
    Text before = {0}, after = {0};
    graph_print(run->before, &before);
    graph_print(graph, &after);
    bool same = text_equal(&before, &after);
    const Weight *old = run->before->first_weight, *new = graph->first_weight;
    for (; same && old != NULL && new != NULL; old = old->next, new = new->next)
        same = old->data == new->data && old->pairs == new->pairs;
    text_free(&before);
    text_free(&after);
    return same && old == new;
}

/* A plugin has computed a weight: nobody knows of what. What comes is proved of the graph as it is
 * now. */
static bool check_computed(OptRun *run, const PipelineStep *step, const char *name,
    const GraphProofResult *result, const Graph *graph, Diagnostics *diagnostics) {
    progress_hide();
    fprintf(stderr,
        "%s: not proved, since it computes the weight '%s' from numbers that it does not name\n",
        name, result->what);
    double difference =
        graph_difference(run->before, graph, (uint64_t)run->opt->check_seed, diagnostics);
    return report_difference(run, step, name, difference, diagnostics) && opt_proof_begin(run);
}

static void print_equal(const char *name, const GraphProofResult *result) {
    progress_hide();
    fprintf(stderr, "%s: all of %" PRId64 " residues are equal; by chance with a probability of ",
        name, result->compared);
    if (isnan(result->chance))
        fprintf(stderr, "about 2^-61, but no bound is known where there are quotients, roots or "
                        "functions\n");
    else
        fprintf(stderr, "2^%.1f at most\n", result->chance);
}

bool opt_report_proof(const GraphProofResult *result, const char *after, Diagnostics *diagnostics) {
    switch (result->verdict) {
    case GRAPH_PROOF_FAULT:
        diagnostics_error(diagnostics, "this is no rounding; --bisect names the rewrite",
            "the graph computes something else%s: %s", after, result->what);
        return false;
    case GRAPH_PROOF_UNSURE:
        diagnostics_error(diagnostics, "try another --check-seed",
            "numbers that the graph compares are too near to each other%s", after);
        return false;
    default:
        return result->verdict == GRAPH_PROOF_EQUAL;
    }
}

static bool prove_step(OptRun *run, const PipelineStep *step, const char *name, const Graph *graph,
    Diagnostics *diagnostics) {
    if (is_unchanged(run, graph)) {
        progress_hide();
        fprintf(stderr, "%s: nothing changed\n", name);
        return true;
    }
    Arena *arena = run->opt->model.session->arena;
    GraphProofResult result = graph_proof_compare(run->proof, graph, arena);
    if (result.verdict == GRAPH_PROOF_UNKNOWN)
        return check_computed(run, step, name, &result, graph, diagnostics);
    if (result.verdict == GRAPH_PROOF_EQUAL)
        print_equal(name, &result);
    return opt_report_proof(
        &result, arena_format(arena, " after the pass '%s'", name), diagnostics);
}

bool opt_check_step(
    OptRun *run, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    Text name = {0};
    pipeline_step_name(step, &name);
    bool good = check_interface(run, name.data, graph, diagnostics);
    if (good)
        good = run->proof != NULL ? prove_step(run, step, name.data, graph, diagnostics)
                                  : check_answers(run, step, name.data, graph, diagnostics);
    text_free(&name);
    return good;
}
